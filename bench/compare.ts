/**
 * Compares two ways of doing the same work on a machine that does other things as well: rounds of the two alternate, so
 * a disturbance meets both, and the result is a median.
 */

export interface Comparison {
  /** Median nanoseconds of one call. */
  readonly baselineNs: number;
  readonly candidateNs: number;
  /** How many times faster the candidate is: the median of the rounds' ratios. */
  readonly ratio: number;
}

export interface Effort {
  /** For each side, so that the optimising compilers have come and gone before anything counts. */
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly roundMs: number;
}

/** Calls `baseline` and `candidate` over and over; both take the number of repetitions, so the loop is theirs. */
export function compare(baseline: Repeat, candidate: Repeat, { warmUpMs, rounds, roundMs }: Effort): Comparison {
  warmUp(baseline, warmUpMs);
  warmUp(candidate, warmUpMs);
  const baselineRepeats = calibrate(baseline, roundMs);
  const candidateRepeats = calibrate(candidate, roundMs);
  const baselineTimes: number[] = [];
  const candidateTimes: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // The order alternates too: neither always runs in the other's wake.
    if (round % 2 === 0) baselineTimes.push(time(baseline, baselineRepeats));
    candidateTimes.push(time(candidate, candidateRepeats));
    if (round % 2 !== 0) baselineTimes.push(time(baseline, baselineRepeats));
  }
  const ratios = baselineTimes.map((ns, round) => ns / (candidateTimes[round] ?? Number.NaN));
  return { baselineNs: median(baselineTimes), candidateNs: median(candidateTimes), ratio: median(ratios) };
}

export type Repeat = (times: number) => void;

function warmUp(repeat: Repeat, ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) repeat(100);
}

/** Repetitions that fill a round. */
function calibrate(repeat: Repeat, roundMs: number): number {
  let times = 1;
  while (time(repeat, times) * times < roundMs * 1e6) times *= 2;
  return times;
}

/** Nanoseconds per repetition. */
function time(repeat: Repeat, times: number): number {
  const start = process.hrtime.bigint();
  repeat(times);
  return Number(process.hrtime.bigint() - start) / times;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? upper)) / 2 : upper;
}
