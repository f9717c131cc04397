/** Events counted since the start, by name. The one place where they are kept: the status page and the metrics both read here. */
import type { CountBy } from '../admin/gateway-view.ts';

export class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** Of all names together. */
  get total(): number {
    return this.#total;
  }

  add(name: string): void {
    this.#total++;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  toRecord(): CountBy {
    return Object.fromEntries(this.#counts);
  }
}

export class GatewayCounters {
  /** Sessions that came up. */
  starts = 0;
  /** Workers started anew. */
  restarts = 0;
  readonly ends = new Tally();
  readonly aborts = new Tally();
  readonly refusals = new Tally();
  readonly #auth = new Map<string, Tally>();

  countAuth(method: string, result: string): void {
    let results = this.#auth.get(method);
    if (results === undefined) this.#auth.set(method, (results = new Tally()));
    results.add(result);
  }

  auth(): Readonly<Record<string, CountBy>> {
    return Object.fromEntries([...this.#auth].map(([method, results]) => [method, results.toRecord()]));
  }
}
