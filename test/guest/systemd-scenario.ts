// Runs in a guest under systemd: installs the gateway as a service and tries what the plan says. Argument: the exchange directory, which
// holds a certificate and receives the results, rewritten after every line.
import { run } from './commands.ts';
import { buildNetwork } from './guest-network.ts';
import { installService, journal } from './gateway-service.ts';
import { LineRecorder } from './line-results.ts';
import { SYSTEMD_LINES, SYSTEMD_PLAN, USER } from './systemd-plan.ts';

async function main(folder: string): Promise<void> {
  await buildNetwork(folder);
  await installService(folder, USER);
  const recorder = new LineRecorder(folder);
  for (const line of SYSTEMD_LINES) {
    await recorder.record(SYSTEMD_PLAN, line.name, async () => {
      try {
        return await line.run(folder);
      } catch (error) {
        const status = await run('systemctl', 'status', '--no-pager', '--lines=0', 'sstp-gateway').catch(String);
        throw new Error(`${String(error)}\n--- journal:\n${await journal()}\n--- unit:\n${status}`, { cause: error });
      }
    });
  }
}

await main(process.argv[2] ?? '.');
// Processes of this guest that are left over end with it.
process.exit(0);
