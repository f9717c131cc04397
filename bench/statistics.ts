/** The middle value; with an even number of them the upper of the two in the middle. NaN when there is none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** @param percent of all values that may lie below, 0 to 100. NaN when there is no value. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.floor((percent / 100) * sorted.length);
  return sorted[Math.min(index, sorted.length - 1)] ?? Number.NaN;
}
