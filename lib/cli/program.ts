import { Command, CommanderError } from 'commander'
import { unknownName } from '../base/spelling.js'
import { VERSION } from '../install/home.js'
import { addDoctor } from './doctor.js'
import { addFetchLibtorch } from './fetch_libtorch.js'
import { addInspect } from './inspect.js'
import { addPack } from './pack.js'
import { addPrune } from './prune.js'
import { addReport } from './report.js'
import { addRun } from './run.js'
import { addSchema } from './schema.js'
import { addSensitivity } from './sensitivity.js'
import { addShrink } from './shrink.js'
import { addTradeoff } from './tradeoff.js'
import { addTrain } from './train.js'

/** The whole command line. Commands import what computes only once they run, so that help is instant. */
export function createProgram(): Command {
  const program = new Command('torch-prune')
    .description('Train, prune and retrain neural networks on libtorch.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
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
  addRun(program)
  addTrain(program)
  addPrune(program)
  addSensitivity(program)
  addTradeoff(program)
  addShrink(program)
  addPack(program)
  addInspect(program)
  addSchema(program)
  addReport(program)
  addDoctor(program)
  addFetchLibtorch(program)
  addHelp(program)
  const names = program.commands.map((command) => command.name()).filter((name) => name !== 'help')
  program.on('command:*', ([given]: string[]) => {
    throw unknownName('command', given!, names)
  })
  for (const command of [program, ...program.commands]) pointToHelp(command)
  return program
}

/** Commander's own prints the whole help where it does not know the command. */
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

/** Errors of usage name the help that says how. */
function pointToHelp(command: Command): void {
  const help = command.parent ? `torch-prune ${command.name()} --help` : 'torch-prune --help'
  command.exitOverride((error) => {
    const shown = ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(error.code)
    if (shown) throw error
    throw new CommanderError(error.exitCode, error.code, `${error.message.replace(/\.$/, '')}: see ${help}`)
  })
}
