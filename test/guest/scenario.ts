// Runs in the guest: for each plan a gateway, for each line of the plan a call. Arguments: the exchange directory, which holds the
// certificates and receives results.json, rewritten after every line, and a log of every program; the names of the plans, if not all.
import { buildNetwork } from './guest-network.ts';
import { GatewayProcess } from './gateway-process.ts';
import { LineRecorder } from './line-results.ts';
import { STOP_LINE } from './plan.ts';
import type { Plan } from './plan.ts';
import { plansCalled } from './plans.ts';
import { lastTranscript, sweepClient } from './sstpc-call.ts';

/** Of the gateway's log, in the report of a failed line. */
const LOG_TAIL_LINES = 40;

async function main(folder: string, planNames: readonly string[]): Promise<void> {
  await buildNetwork(folder);
  const recorder = new LineRecorder(folder);
  for (const plan of plansCalled(planNames)) await runPlan(folder, plan, recorder);
}

async function runPlan(folder: string, plan: Plan, recorder: LineRecorder): Promise<void> {
  const { sections, lines } = await plan.prepare(folder);
  const gateway = await GatewayProcess.start(folder, plan.name, sections);
  for (const line of lines) {
    await recorder.record(plan.name, line.name, async () => {
      try {
        return await line.run(gateway);
      } catch (error) {
        const log = gateway.log().split('\n').slice(-LOG_TAIL_LINES).join('\n');
        throw new Error(`${String(error)}\n--- gateway:\n${log}${lastTranscript()}`, { cause: error });
      }
    });
    await sweepClient();
  }
  await recorder.record(plan.name, STOP_LINE, async () => {
    const status = await gateway.stop();
    if (status !== 0) throw new Error(`it ended with ${status}`);
    return {};
  });
}

await main(process.argv[2] ?? '.', process.argv.slice(3));
// Processes of this guest that are left over end with it.
process.exit(0);
