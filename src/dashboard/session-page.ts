// One session: what was negotiated, its timers and counters, its rates over time, and the button that ends it.
import { Chart } from './chart.ts';
import type { SessionDetail } from '../admin/schema/session.ts';
import { disconnectSession } from './disconnect.ts';
import { byId, element, setAttribute, setText } from './dom.ts';
import { formatBitRate } from './format.ts';
import { type GatewayClient, RefusedError } from './gateway-client.ts';
import { columns } from './history.ts';
import { type Row, RowList } from './row-list.ts';
import { nameOf, toneOf } from './session-columns.ts';
import { type Card, type Fact, sessionCards } from './session-facts.ts';
import type { View } from './view.ts';

export class SessionPage implements View {
  readonly root = byId('session');
  readonly #client: GatewayClient;
  readonly #chart = new Chart(byId('chart-session'), { format: formatBitRate, least: 1e4 });
  readonly #cards = new RowList<Card>(byId('session-cards'), { key: ({ title }) => title, create: createCard });
  readonly #disconnect = byId('session-disconnect', HTMLButtonElement);
  #id = '';
  #shown: SessionDetail | undefined;
  #isGone = false;

  constructor(client: GatewayClient, changed: () => void) {
    this.#client = client;
    this.#disconnect.addEventListener('click', async () => {
      if (this.#shown !== undefined && (await disconnectSession(client, this.#shown))) changed();
    });
  }

  get title(): string {
    return this.#shown === undefined ? 'Session' : nameOf(this.#shown);
  }

  /** What the next refresh shows. */
  set id(id: string) {
    if (id === this.#id) return;
    this.#id = id;
    this.#shown = undefined;
    this.#isGone = false;
    setText(byId('session-user'), '\u00a0');
    this.#cards.show([]);
    this.#chart.clear();
    this.#showState('loading', 'quiet');
  }

  async refresh(): Promise<void> {
    const id = this.#id;
    // What has ended does not come back: ids are not used again.
    if (this.#isGone) return;
    try {
      const session = await this.#client.session(id);
      if (id === this.#id) this.#show(session);
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 404)) throw error;
      if (id === this.#id) this.#showGone();
    }
  }

  redraw(): void {
    this.#chart.redraw();
  }

  #show(session: SessionDetail): void {
    this.#shown = session;
    setText(byId('session-user'), nameOf(session));
    this.#showState(session.state, toneOf(session.state));
    this.#disconnect.disabled = session.state === 'closing';
    this.#cards.show(sessionCards(session, Date.now()));
    const { intervalSeconds, points } = session.history;
    const { times, points: shown } = columns(points, intervalSeconds);
    this.#chart.show({
      times,
      lines: [
        { label: 'download', colour: '--accent', filled: true, values: shown.map(point => point?.txBps ?? null) },
        { label: 'upload', colour: '--second', values: shown.map(point => point?.rxBps ?? null) },
      ],
    });
  }

  #showGone(): void {
    this.#isGone = true;
    this.#showState(
      'ended',
      'quiet',
      this.#shown === undefined
        ? 'There is no such session.'
        : 'This session has ended. Below is what was last known of it.',
    );
  }

  #showState(state: string, tone: string, note = ''): void {
    setText(byId('session-state'), state);
    setAttribute(byId('session-state'), 'data-tone', tone);
    this.#disconnect.disabled = true;
    byId('session-note').hidden = note === '';
    setText(byId('session-note'), note);
  }
}

function createCard({ title }: Card): Row<Card> {
  const list = element('dl', { class: 'facts-list' });
  const rows = new RowList<Fact>(list, { key: ([name]) => name, create: createFact });
  return {
    root: element('section', { class: 'panel' }, element('h2', {}, title), list),
    show: ({ facts }) => rows.show(facts),
  };
}

function createFact([name]: Fact): Row<Fact> {
  const value = element('dd', { class: 'breakable' });
  return {
    root: element('div', {}, element('dt', {}, name), value),
    show: ([, text]) => setText(value, text),
  };
}
