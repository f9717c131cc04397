// How the gateway is, at a glance.
import { Chart } from './chart.ts';
import type { HistoryPoint } from '../admin/schema/history.ts';
import type { StatusView } from '../admin/schema/status.ts';
import { byId, setText } from './dom.ts';
import { formatBitRate, formatBytes, formatCount, formatMilliseconds, formatPercent, formatRate } from './format.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type Columns, History } from './history.ts';
import { CertificateList } from './certificate-list.ts';
import { MeterList } from './meter-list.ts';
import { poolMeters, refusalMeters, talkerMeters } from './meters.ts';
import type { View } from './view.ts';
import { WorkerTable } from './worker-table.ts';

const TALKERS = 8;

export class Overview implements View {
  readonly root = byId('overview');
  readonly title = 'Overview';
  readonly #client: GatewayClient;
  readonly #history = new History();
  readonly #sessions = new Chart(byId('chart-sessions'), { format: formatCount, least: 10 });
  readonly #traffic = new Chart(byId('chart-traffic'), { format: formatBitRate, least: 1e5 });
  readonly #cpu = new Chart(byId('chart-cpu'), { format: formatPercent, least: 0.25 });
  readonly #lag = new Chart(byId('chart-lag'), { format: formatMilliseconds, least: 0.02 });
  readonly #workers = new WorkerTable(byId('workers'));
  readonly #talkers = new MeterList(byId('talkers'), byId('talkers-empty'));
  readonly #refusals = new MeterList(byId('refusals'), byId('refusals-empty'));
  readonly #pools = new MeterList(byId('pools'));
  readonly #certificates = new CertificateList(byId('certificates'));
  #seconds = 300;
  #talkersBy: 'txRate' | 'rxRate' = 'txRate';

  /** @param changed asks for a refresh: the reader wants to see something else. */
  constructor(client: GatewayClient, changed: () => void) {
    this.#client = client;
    byId('range').addEventListener('change', ({ target }) => {
      this.#seconds = Number((target as HTMLInputElement).value);
      this.#drawCharts();
    });
    byId('talkers-by').addEventListener('change', ({ target }) => {
      this.#talkersBy = (target as HTMLInputElement).value === 'rxRate' ? 'rxRate' : 'txRate';
      changed();
    });
  }

  async refresh(status: StatusView): Promise<void> {
    this.#workers.show(status.workers);
    this.#refusals.show(refusalMeters(status.counters));
    this.#pools.show(poolMeters(status));
    this.#certificates.show(status.certificates);
    const by = this.#talkersBy;
    const [history, talkers] = await Promise.all([
      this.#client.history(this.#history.since),
      this.#client.sessions({ search: '', state: 'up', sort: `-${by}`, page: 1 }, TALKERS),
    ]);
    this.#history.add(history);
    this.#talkers.show(talkerMeters(talkers.sessions, by));
    this.#showTiles(status, this.#history.latest);
    this.#drawCharts();
  }

  redraw(): void {
    for (const chart of [this.#sessions, this.#traffic, this.#cpu, this.#lag]) chart.redraw();
  }

  #showTiles(status: StatusView, now: HistoryPoint | undefined): void {
    const { sessions, traffic, workers, process } = status;
    const opening = sessions.negotiating + sessions.authenticating;
    showTile(
      'sessions',
      formatCount(sessions.up),
      `${formatCount(opening)} opening, ${formatCount(sessions.closing)} closing`,
    );
    showTile('tx', formatBitRate(now?.txBps), `${formatBytes(traffic.txBytes)} in all`);
    showTile('rx', formatBitRate(now?.rxBps), `${formatBytes(traffic.rxBytes)} in all`);
    const packets = now === undefined ? null : now.rxPps + now.txPps;
    showTile('packets', formatRate(packets, '/s'), `${formatCount(traffic.drops)} dropped in all`);
    const loads = workers.flatMap(({ cpu }) => (cpu === null ? [] : [cpu]));
    const load = loads.length === 0 ? null : loads.reduce((sum, cpu) => sum + cpu, 0) / loads.length;
    showTile('cpu', formatPercent(load), `mean of ${workers.length} workers`);
    showTile('memory', formatBytes(process.rssBytes), 'resident, whole process');
  }

  #drawCharts(): void {
    const { times, points } = this.#history.last(this.#seconds);
    const values = (value: (point: HistoryPoint) => number): (number | null)[] =>
      points.map(point => (point === null ? null : value(point)));
    this.#sessions.show({
      times,
      lines: [{ label: 'up', colour: '--accent', filled: true, values: values(({ sessions }) => sessions) }],
    });
    this.#traffic.show({
      times,
      lines: [
        { label: 'download', colour: '--accent', filled: true, values: values(({ txBps }) => txBps) },
        { label: 'upload', colour: '--second', values: values(({ rxBps }) => rxBps) },
      ],
    });
    this.#cpu.show(workerLines({ times, points }, 'cpu', 'busiest'));
    this.#lag.show(workerLines({ times, points }, 'lag', 'worst'));
  }
}

function showTile(name: string, value: string, note: string): void {
  setText(byId(`tile-${name}`), value);
  setText(byId(`note-${name}`), note);
}

/** The highest of all workers in colour, over a thin line for each. */
function workerLines(
  { times, points }: Columns<HistoryPoint>,
  what: 'cpu' | 'lag',
  label: string,
): Parameters<Chart['show']>[0] {
  const count = points.reduce((most, point) => Math.max(most, point?.workers.length ?? 0), 0);
  const each = Array.from({ length: count }, (_, worker) => ({
    colour: '--second',
    width: 1,
    values: points.map(point => point?.workers[worker]?.[what] ?? null),
  }));
  const highest = points.map(point => {
    const known = (point?.workers ?? []).flatMap(worker => worker[what] ?? []);
    return known.length === 0 ? null : Math.max(...known);
  });
  return { times, lines: [...each, { label, colour: '--accent', values: highest }] };
}
