// How what happened in the guest gets to the tests of the host: one result for each line of a plan, in a file of the exchange directory.
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestResult } from './guest.ts';
import type { Facts } from './plan.ts';

/** What the guest reports of one line. */
export interface LineResult {
  readonly plan: string;
  readonly line: string;
  readonly seconds: number;
  readonly facts: Facts;
  /** Undefined: the line holds. */
  readonly error?: string;
}

const FILE = 'results.json';
const CONSOLE_TAIL_LINES = 40;

/** In the guest. The file is written anew after every line. */
export class LineRecorder {
  readonly #folder: string;
  readonly #results: LineResult[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whatever `act` throws is the line's failure. */
  async record(plan: string, line: string, act: () => Promise<Facts>): Promise<void> {
    const startedAt = performance.now();
    const outcome = await act().then(
      facts => ({ facts }),
      (error: unknown) => ({
        facts: {},
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    );
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    this.#results.push({ plan, line, seconds, ...outcome });
    writeFileSync(join(this.#folder, FILE), JSON.stringify(this.#results, undefined, 1));
    console.log(`${'error' in outcome ? 'FAILED' : 'holds'} ${plan}: ${line} (${seconds} s)`);
  }
}

/** On the host: as far as the guest got. */
export function readResults(folder: string): LineResult[] {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as LineResult[];
  } catch {
    return [];
  }
}

/** Fails unless the line holds; else tells its facts. */
export function assertHolds(
  results: readonly LineResult[],
  plan: string,
  line: string,
  guest: GuestResult,
  tell: (fact: string) => void,
): void {
  const result = results.find(one => one.plan === plan && one.line === line);
  if (result === undefined) assert.fail(`the guest did not get here: ${describeEnd(guest)}`);
  if (result.error !== undefined) assert.fail(result.error);
  for (const [fact, value] of Object.entries(result.facts)) tell(`${fact}: ${value}`);
}

function describeEnd({ status, timedOut, console }: GuestResult): string {
  const tail = console.split('\n').slice(-CONSOLE_TAIL_LINES).join('\n');
  return `${timedOut ? 'killed when its time was over' : `exit status ${status ?? 'unknown'}`}; its console:\n${tail}`;
}
