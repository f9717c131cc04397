// All sessions, a page of them at a time: the gateway filters, sorts and cuts.
import type { SessionView } from '../admin/schema/session.ts';
import { disconnectSession } from './disconnect.ts';
import { byId, element, setAttribute, setText } from './dom.ts';
import { formatCount } from './format.ts';
import type { GatewayClient } from './gateway-client.ts';
import { FIRST_SESSIONS, type SessionListQuery, sessionsHash } from './route.ts';
import { type Row, RowList } from './row-list.ts';
import { COLUMNS, type Column, nameOf } from './session-columns.ts';
import type { View } from './view.ts';

const PER_PAGE = 50;
/** Between the last key and the search. */
const TYPING_MS = 250;

export class SessionList implements View {
  readonly root = byId('sessions');
  readonly title = 'Sessions';
  readonly #client: GatewayClient;
  readonly #rows: RowList<SessionView>;
  readonly #headers: readonly HTMLElement[];
  readonly #search = byId('search', HTMLInputElement);
  readonly #state = byId('state-filter', HTMLSelectElement);
  readonly #before = byId('page-before', HTMLButtonElement);
  readonly #next = byId('page-next', HTMLButtonElement);
  #query = FIRST_SESSIONS;
  #typing: number | undefined;
  /** The reader has asked for something else: it is said how much there is, once. */
  #isNew = true;

  constructor(client: GatewayClient, changed: () => void) {
    this.#client = client;
    this.#rows = new RowList(byId('sessions-rows'), {
      key: ({ id }) => id,
      create: session => createRow(session, async shown => (await disconnectSession(client, shown)) && changed()),
    });
    this.#headers = COLUMNS.map(column => createHeader(column, () => this.#sortBy(column)));
    const actions = element(
      'th',
      { scope: 'col', class: 'wide actions' },
      element('span', { class: 'unseen' }, 'Actions'),
    );
    byId('sessions-head').replaceChildren(...this.#headers, actions);
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#go({ search: this.#search.value.trim(), page: 1 }), TYPING_MS);
    });
    this.#state.addEventListener('change', () => this.#go({ state: this.#state.value, page: 1 }));
    byId('sessions-form').addEventListener('submit', event => {
      event.preventDefault();
      clearTimeout(this.#typing);
      this.#go({ search: this.#search.value.trim(), page: 1 });
    });
    this.#before.addEventListener('click', () => this.#go({ page: this.#query.page - 1 }));
    this.#next.addEventListener('click', () => this.#go({ page: this.#query.page + 1 }));
  }

  /** What the next refresh shows. */
  set query(query: SessionListQuery) {
    this.#query = query;
    this.#isNew = true;
    // What is being typed is newer.
    if (document.activeElement !== this.#search) this.#search.value = query.search;
    this.#state.value = query.state;
    for (const [index, { sort }] of COLUMNS.entries()) {
      const direction = query.sort === sort ? 'ascending' : 'descending';
      setAttribute(this.#headers[index]!, 'aria-sort', query.sort.replace('-', '') === sort ? direction : undefined);
    }
  }

  async refresh(): Promise<void> {
    const query = this.#query;
    const { matched, sessions } = await this.#client.sessions(query, PER_PAGE);
    // The reader has gone on meanwhile.
    if (query !== this.#query) return;
    const lastPage = Math.max(1, Math.ceil(matched / PER_PAGE));
    if (query.page > lastPage) return this.#go({ page: lastPage });
    this.#rows.show(sessions);
    this.#showCount(matched, sessions.length);
    this.#enable(this.#before, query.page > 1, this.#next);
    this.#enable(this.#next, query.page < lastPage, this.#before);
  }

  redraw(): void {}

  #showCount(matched: number, shown: number): void {
    const first = (this.#query.page - 1) * PER_PAGE;
    setText(byId('sessions-matched'), formatCount(matched));
    const range = `${formatCount(first + 1)}–${formatCount(first + shown)} of ${formatCount(matched)}`;
    setText(byId('page-shown'), matched === 0 ? '' : range);
    if (this.#isNew) setText(byId('announcer'), matched === 0 ? 'No sessions' : `Sessions ${range}`);
    this.#isNew = false;
    const empty = byId('sessions-empty');
    empty.hidden = matched > 0;
    const isFiltered = this.#query.search !== '' || this.#query.state !== '';
    setText(empty, isFiltered ? 'No session fits the search.' : 'There are no sessions.');
  }

  /** A button that can be used no more hands the focus on. */
  #enable(button: HTMLButtonElement, isEnabled: boolean, other: HTMLButtonElement): void {
    const isFocused = document.activeElement === button;
    button.disabled = !isEnabled;
    if (isFocused && !isEnabled && !other.disabled) other.focus();
  }

  #sortBy({ sort, isDescending = false }: Column): void {
    const [first, second] = isDescending ? [`-${sort}`, sort] : [sort, `-${sort}`];
    this.#go({ sort: this.#query.sort === first ? second : first, page: 1 });
  }

  /** The address says what is shown: it can be kept, and sent to a colleague. */
  #go(change: Partial<SessionListQuery>): void {
    location.replace(sessionsHash({ ...this.#query, ...change }));
  }
}

function createHeader({ sort: key, title, classes }: Column, sort: () => void): HTMLElement {
  const button = element('button', { type: 'button', class: 'sort' }, title);
  button.addEventListener('click', sort);
  return element('th', { scope: 'col', class: classes, 'data-column': key }, button);
}

function createRow(session: SessionView, disconnect: (session: SessionView) => unknown): Row<SessionView> {
  const cells = COLUMNS.map(({ classes, create }, index) => {
    const { content, show } = create(session);
    const attributes = { class: classes };
    const cell = index === 0 ? element('th', { scope: 'row', ...attributes }) : element('td', attributes);
    cell.append(content);
    return { cell, show };
  });
  const button = element('button', { type: 'button', class: 'quiet small' }, 'Disconnect');
  let shown = session;
  button.addEventListener('click', () => disconnect(shown));
  const root = element('tr', {}, ...cells.map(({ cell }) => cell), element('td', { class: 'wide number' }, button));
  return {
    root,
    show: row => {
      shown = row;
      for (const { show } of cells) show(row);
      button.disabled = row.state === 'closing';
      setAttribute(button, 'aria-label', `Disconnect ${nameOf(row)}`);
    },
  };
}
