// Runs in the guest: for each plan a gateway, for each line of the plan a call. Arguments: the exchange directory, which holds the
// certificates and receives results.json, rewritten after every line, and a log of every program; the names of the plans, if not all.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildNetwork } from './guest-network.ts';
import { GatewayProcess } from './gateway-process.ts';
import { STOP_LINE } from './plan.ts';
import type { Facts, LineResult, Plan } from './plan.ts';
import { plansCalled } from './plans.ts';
import { lastTranscript, sweepClient } from './sstpc-call.ts';

/** Of the gateway's log, in the report of a failed line. */
const LOG_TAIL_LINES = 40;

const results: LineResult[] = [];

async function main(folder: string, planNames: readonly string[]): Promise<void> {
  await buildNetwork(folder);
  for (const plan of plansCalled(planNames)) await runPlan(folder, plan);
}

async function runPlan(folder: string, plan: Plan): Promise<void> {
  const { sections, lines } = await plan.prepare(folder);
  const gateway = await GatewayProcess.start(folder, plan.name, sections);
  for (const line of lines) {
    await record(folder, plan, line.name, async () => {
      try {
        return await line.run(gateway);
      } catch (error) {
        const log = gateway.log().split('\n').slice(-LOG_TAIL_LINES).join('\n');
        throw new Error(`${String(error)}\n--- gateway:\n${log}${lastTranscript()}`, { cause: error });
      }
    });
    await sweepClient();
  }
  await record(folder, plan, STOP_LINE, async () => {
    const status = await gateway.stop();
    if (status !== 0) throw new Error(`it ended with ${status}`);
    return {};
  });
}

async function record(folder: string, plan: Plan, line: string, act: () => Promise<Facts>): Promise<void> {
  const startedAt = performance.now();
  const outcome = await act().then(
    facts => ({ facts }),
    (error: unknown) => ({ facts: {}, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  results.push({ plan: plan.name, line, seconds, ...outcome });
  writeFileSync(join(folder, 'results.json'), JSON.stringify(results, undefined, 1));
  console.log(`${'error' in outcome ? 'FAILED' : 'holds'} ${plan.name}: ${line} (${seconds} s)`);
}

await main(process.argv[2] ?? '.', process.argv.slice(3));
// Processes of this guest that are left over end with it.
process.exit(0);
