/** What `bench/main.ts` asks of a benchmark. */

/** One line of the table; the keys of the first row are the column heads. */
export type Row = Readonly<Record<string, string | number>>;

/** A flag of one benchmark's own: what parseArgs needs to know, and what the usage says. */
export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly argument?: string;
  readonly help: string;
}

/** As parseArgs gives them, by name; missing ones are absent. */
export type FlagValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

interface BenchmarkOptions {
  /** Less time, more noise: to see that it works. */
  readonly quick: boolean;
  /** Of the benchmark's own. */
  readonly flags: FlagValues;
  /** Takes each result as soon as it is there. */
  readonly report: (row: Row) => void;
}

/** Resolves to what goes into the JSON file; rejects with a message for the user when it cannot run here. */
export type Benchmark = (options: BenchmarkOptions) => Promise<object>;
