import { type Command, Option } from 'commander'
import { print } from './output.js'

export function define(command: Command): void {
  command
    .addOption(new Option('--cpu', 'the CPU build').conflicts('cuda'))
    .addOption(new Option('--cuda', "the CUDA build, with NVIDIA's libraries").conflicts('cpu'))
    .option('--any-digest', 'take a wheel whose digest is not known here (of another version or machine)')
    .addHelpText(
      'after',
      `
Without --cpu or --cuda: what the addon here was built for, else the CUDA build
where there is an NVIDIA driver. TORCH_PRUNE_CACHE names the folder,
TORCH_PRUNE_LIBTORCH_VERSION another version; pip's own configuration holds.

Examples:
  $ torch-prune fetch-libtorch --cpu
  $ TORCH_PRUNE_LIBTORCH_VERSION=2.14.1 torch-prune fetch-libtorch --cuda`,
    )
    .action(async ({ cpu, cuda, anyDigest }: { cpu?: boolean; cuda?: boolean; anyDigest?: boolean }) => {
      const { fetchAddonLibtorch } = await import('../install/addon_files.js')
      const { version, dir } = await fetchAddonLibtorch({
        cuda: cuda ?? (cpu ? false : undefined),
        anyDigest,
      })
      print(`libtorch ${version} is in ${dir}`)
    })
}
