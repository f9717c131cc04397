/** What `bench/main.ts` asks of a benchmark. */

/** One line of the table; the keys of the first row are the column heads. */
export type Row = Readonly<Record<string, string | number>>;

interface BenchmarkOptions {
  /** Less time, more noise: to see that it works. */
  readonly quick: boolean;
  /** Takes each result as soon as it is there. */
  readonly report: (row: Row) => void;
}

/** Resolves to what goes into the JSON file; rejects with a message for the user when it cannot run here. */
export type Benchmark = (options: BenchmarkOptions) => Promise<object>;
