/** What can be said of something to Prometheus. Read when a scrape comes. */
export interface MetricFamily {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  read(this: void): Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;
}
