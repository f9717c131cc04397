/** The middle value; with an even number of them the upper of the two in the middle. NaN when there is none. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The smallest value that at least the share `rank` (0 to 1) of all values does not exceed. NaN when there is none. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(rank * sorted.length), sorted.length - 1)] ?? Number.NaN;
}
