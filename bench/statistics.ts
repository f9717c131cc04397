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

/** Of the least-squares line through the points: what y gains for each 1 of x. NaN for fewer than two points. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
