/** `sessions --watch`: looks at the gateway again and again. On a terminal it has the whole screen, else it prints a table each time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionView, StatusView } from '../../admin/gateway-view.ts';
import type { AdminClient } from '../admin-client.ts';
import { CommandError } from '../command-error.ts';
import type { ColumnName } from '../session-columns.ts';
import { describeSession } from '../session-detail.ts';
import { type Answers, type Look, look } from './look.ts';
import { givenOrder, ORDERS, ordered, type Order } from './order.ts';
import { Screen } from './screen.ts';
import { type Action, initialState, press, type WatchState, withDetail } from './state.ts';
import { bodyRows, watchLines } from './view.ts';

export interface WatchOptions {
  readonly client: AdminClient;
  /** The parameters of `GET /api/v1/sessions`, with the question mark; empty for none. */
  readonly query: string;
  /** What the gateway was asked to sort by. */
  readonly sort: string | undefined;
  readonly columns: readonly ColumnName[];
  readonly intervalMs: number;
}

/** Until the user quits. @throws CommandError when the gateway is not there to begin with */
export async function watchOnScreen(options: WatchOptions): Promise<void> {
  const orders = ordersFor(options.sort);
  const first = look(await ask(options), undefined);
  await new Watch(options, initialState(first, orders)).run();
}

/**
 * Hands on the sessions at each interval, until a signal ends it.
 * @throws CommandError when the gateway is not there, or not any more
 */
export async function watchPlainly(
  options: WatchOptions,
  show: (sessions: readonly SessionView[]) => void,
): Promise<void> {
  const order = ordersFor(options.sort)[0]!;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  let before: Look | undefined;
  while (!ended.signal.aborted) {
    before = look(await ask(options), before);
    show(ordered(before.sessions, order, false));
    await pause(options.intervalMs, ended.signal);
  }
}

function ordersFor(sort: string | undefined): readonly Order[] {
  return sort === undefined ? ORDERS : [givenOrder(sort), ...ORDERS];
}

async function ask({ client, query }: WatchOptions, signal?: AbortSignal): Promise<Answers> {
  const options = signal === undefined ? {} : { signal };
  const [status, list] = await Promise.all([
    client.request('GET', '/api/v1/status', options),
    client.request('GET', `/api/v1/sessions${query}`, options),
  ]);
  const { sessions } = list as { readonly sessions: readonly SessionView[] };
  return { at: performance.now(), status: status as StatusView, sessions };
}

/** Cut short by the signal. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}

class Watch {
  readonly #options: WatchOptions;
  readonly #quit = new AbortController();
  readonly #screen: Screen;
  #state: WatchState;
  /** Ends the pause between two looks. */
  #hurry = new AbortController();

  constructor(options: WatchOptions, state: WatchState) {
    this.#options = options;
    this.#state = state;
    this.#screen = new Screen(process.stdin, process.stdout, {
      key: key => {
        const pressed = press(this.#state, key, bodyRows(this.#screen.size));
        this.#show(pressed.state);
        if (pressed.action !== undefined) this.#act(pressed.action);
      },
      resized: () => this.#draw(),
      ended: () => this.#quit.abort(),
    });
  }

  async run(): Promise<void> {
    try {
      this.#draw();
      while (!this.#quit.signal.aborted) {
        this.#hurry = new AbortController();
        await pause(this.#options.intervalMs, AbortSignal.any([this.#quit.signal, this.#hurry.signal]));
        if (!this.#quit.signal.aborted) await this.#look();
      }
    } finally {
      this.#screen.close();
    }
  }

  #act(action: Action): void {
    if (action.kind === 'quit') this.#quit.abort();
    else if (action.kind === 'look') this.#hurry.abort();
    else void this.#disconnect(action.id);
  }

  /** A gateway that is away may come back: the last look stays on the screen. */
  async #look(): Promise<void> {
    try {
      const { signal } = this.#quit;
      const { mode } = this.#state;
      const [answers, lines] = await Promise.all([
        ask(this.#options, signal),
        mode.kind === 'detail' ? this.#detail(mode.id) : undefined,
      ]);
      const next = { ...this.#state, look: look(answers, this.#state.look), failure: '' };
      this.#show(mode.kind === 'detail' ? withDetail(next, mode.id, lines ?? []) : next);
    } catch (error) {
      if (!this.#quit.signal.aborted) this.#show({ ...this.#state, failure: shortly(error) });
    }
  }

  async #detail(id: string): Promise<readonly string[]> {
    const path = `/api/v1/sessions/${encodeURIComponent(id)}`;
    const { signal } = this.#quit;
    const answer = (await this.#options.client.request('GET', path, { understands: [404], signal })) as object;
    return 'error' in answer ? ['The session has ended.'] : describeSession({ ...answer }, Date.now());
  }

  async #disconnect(id: string): Promise<void> {
    try {
      await this.#options.client.request('DELETE', `/api/v1/sessions/${encodeURIComponent(id)}`);
      this.#show({ ...this.#state, notice: `session ${id} is closing` });
    } catch (error) {
      this.#show({ ...this.#state, notice: shortly(error) });
    }
  }

  #show(state: WatchState): void {
    this.#state = state;
    this.#draw();
  }

  #draw(): void {
    const { columns, client } = this.#options;
    this.#screen.draw(watchLines(this.#state, this.#screen.size, { columns, url: client.url, now: new Date() }));
  }
}

/** In one line: there is no room for more. */
function shortly(error: unknown): string {
  if (!(error instanceof CommandError)) throw error;
  return error.message.split('\n', 1)[0]!;
}
