import { graceDays } from '../tenants/life.ts'
import { runCommand } from './command.ts'
import { capsuleHelp, exportCapsule, importCapsule } from './tenant/capsule.ts'
import { create } from './tenant/create.ts'
import { erase } from './tenant/erase.ts'
import { rename, resume, suspend } from './tenant/life.ts'
import { list, show } from './tenant/look.ts'
import { rewind, rewindHelp, snapshot } from './tenant/rewind.ts'

const help = `Workspaces (tenants). All of this works while the app is running. --json prints one line of JSON and nothing else.

  bun run tenant create <slug> --name <name> --owner-name <name> --owner-email <mail>
                        --password-stdin --zone <zone> [--country <code>] [--json]
      Makes a workspace, its owner and an API key of the owner. The password is read from stdin.
      --json prints {tenant:{id,slug,schema},owner:{id,email},apiKey}.
  bun run tenant list [--state creating|active|suspended|erasing] [--json]
  bun run tenant show <slug> [--json]
      State and why, people, posts, what is due next, bytes, keys, the last snapshot.
  bun run tenant rename <slug> <new slug> [--json]
      Gives it another address. The former one leads there, and nobody else can take it.
  bun run tenant suspend <slug> --reason <words> [--json]
      Serves nobody and sends nothing until it is resumed. Its people are shown the reason.
  bun run tenant resume <slug> [--json]
      Serves it again. Posts whose moment passed meanwhile wait for a person's word.
  bun run tenant erase <slug> --yes [--now] [--json]
      Closes the workspace, and erases it for good after ${graceDays} days, or at once with --now: schema,
      role, keys, addresses, directory entries, pictures, snapshots, exports.
  bun run tenant erase <slug> --keep [--json]
      Takes an erasure back that is planned.
${capsuleHelp}
${rewindHelp}`

await runCommand(help, {
  ...{ create, list, show, rename, suspend, resume, erase },
  ...{ export: exportCapsule, import: importCapsule, snapshot, rewind },
})
