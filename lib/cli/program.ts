import { Command, CommanderError } from 'commander'
import { unknownName } from '../base/spelling.js'
import { VERSION } from '../install/home.js'

/** Defines the arguments, the options and the action of a command. */
type Define = (command: Command) => void

/** The commands, in the order of the help, and the modules that define them. */
const COMMANDS: Readonly<
  Record<string, readonly [description: string, load: () => Promise<{ define: Define }>]>
> = {
  run: [
    'train a network, prune and retrain it by a recipe, and compare with the paper',
    () => import('./run.js'),
  ],
  train: ['train a dense network, to be pruned later', () => import('./train.js')],
  prune: ['prune and retrain a network that is trained already', () => import('./prune.js')],
  sensitivity: [
    'measure how pruning each layer alone raises the error, without retraining (figure 6)',
    () => import('./sensitivity.js'),
  ],
  tradeoff: [
    'measure the accuracy lost at each density, pruning in five ways (figure 5)',
    () => import('./tradeoff.js'),
  ],
  shrink: [
    'remove the dead neurons of a pruned network, and say how far its outputs moved',
    () => import('./shrink.js'),
  ],
  bench: [
    'measure how fast a network runs: dense, sparse, compiled, and in onnxruntime',
    () => import('./bench.js'),
  ],
  quantize: [
    'let the weights of each layer share a few values, and train these values',
    () => import('./quantize.js'),
  ],
  export: [
    'write a network in another format: coded (the smallest), onnx or safetensors',
    () => import('./export.js'),
  ],
  import: ['write the network of a coded or other file as safetensors', () => import('./import.js')],
  pack: [
    'decode and resize a folder of images once, into one file that training reads fast',
    () => import('./pack.js'),
  ],
  inspect: ['show what is in a network file, or in the folder of a run', () => import('./inspect.js')],
  schema: ['print the JSON Schema of a kind of file, for editors and checks', () => import('./schema.js')],
  report: [
    'write the report of a run or a study again, as report.html in its folder',
    () => import('./report.js'),
  ],
  doctor: [
    'say which libtorch, addon and CUDA were found, and how to fix what is missing',
    () => import('./doctor.js'),
  ],
  'fetch-libtorch': ['fetch libtorch into the cache, by pip', () => import('./fetch_libtorch.js')],
}

/**
 * The command line. Only the command that is asked for is defined, or all of them if none is given, because loading the
 * tables of options takes longer than printing help.
 */
export async function createProgram(asked?: string): Promise<Command> {
  const program = new Command('torch-prune')
    .description('Train, prune and retrain neural networks on libtorch.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      `
Examples:
  $ torch-prune run lenet-300-100
  $ torch-prune run lenet-5 --seed 1 --out runs/lenet-5
  $ torch-prune inspect runs/lenet-5/model.safetensors

Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 stopped after saving.`,
    )
  for (const [name, [description, load]] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(description)
    if (asked === undefined || asked === name) (await load()).define(command)
  }
  addHelp(program)
  const names = program.commands.map((command) => command.name()).filter((name) => name !== 'help')
  program.on('command:*', ([given]: string[]) => {
    throw unknownName('command', given!, names)
  })
  for (const command of [program, ...program.commands]) pointToHelp(command)
  return program
}

/** Replaces commander's `help`, which prints the whole help if it does not know the command. */
function addHelp(program: Command): void {
  program
    .command('help')
    .description('print help for a command')
    .argument('[command]')
    .action((name?: string) => {
      const known = program.commands.map((command) => command.name())
      const command = name === undefined ? program : program.commands.find((each) => each.name() === name)
      if (!command) throw unknownName('command', name, known)
      command.help()
    })
}

/** Lets errors of usage point to the command's help. */
function pointToHelp(command: Command): void {
  const help = command.parent ? `torch-prune ${command.name()} --help` : 'torch-prune --help'
  command.exitOverride((error) => {
    const shown = ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(error.code)
    if (shown) throw error
    throw new CommanderError(error.exitCode, error.code, `${error.message.replace(/\.$/, '')}: see ${help}`)
  })
}
