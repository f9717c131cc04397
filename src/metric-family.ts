type MetricLabels = Readonly<Record<string, string>>;

/** The values of a metric's labels, never anything that a peer has chosen, and its value. */
export type MetricSample = readonly [labels: MetricLabels, value: number];

/** What can be said of something to Prometheus. Read when a scrape comes. */
export interface MetricFamily {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  read(this: void): Iterable<MetricSample>;
}

/** A metric without labels. */
export function single(
  kind: MetricFamily['kind'],
  name: string,
  help: string,
  value: () => number | undefined,
): MetricFamily {
  const read = (): MetricSample[] => {
    const present = value();
    return present === undefined ? [] : [[{}, present]];
  };
  return { kind, name, help, labels: [], read };
}

/** A metric with one label, whose values are the keys. */
export function labelled(
  kind: MetricFamily['kind'],
  name: string,
  help: string,
  label: string,
  values: () => Readonly<Record<string, number>>,
): MetricFamily {
  const read = (): MetricSample[] => Object.entries(values()).map(([key, value]) => [{ [label]: key }, value]);
  return { kind, name, help, labels: [label], read };
}
