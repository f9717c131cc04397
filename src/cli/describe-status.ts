import type { CertificateView, CountBy, PoolView, StatusView } from '../admin/gateway-view.ts';
import { formatBytes, formatDuration, formatTable } from './table.ts';
import { printable } from './terminal-text.ts';

/** How a gateway is, for people. @param now milliseconds since 1970 */
export function describeStatus(status: StatusView, now: number): string[] {
  const { cleanup, counters, process, ready, traffic } = status;
  const facts: (readonly [name: string, value: string])[] = [
    ['gateway', `${status.version} on ${status.node}, up ${formatDuration(status.uptime)}`],
    ['ready', ready.ready ? 'yes' : `no: ${ready.reasons.join(', ')}`],
    ['listen', status.listen.join(', ')],
    ['network', status.network.mode],
    ['process', `${formatBytes(process.rssBytes)} of memory, ${formatDuration(process.cpuSeconds)} of processor time`],
    ...status.certificates.map(certificate => ['certificate', describeCertificate(certificate, now)] as const),
    ['sessions', counts(status.sessions)],
    ...status.pools.filter(isUsed).map(pool => ['pool', describePool(pool)] as const),
    ['received', `${formatBytes(traffic.rxBytes)} in ${traffic.rxPackets} packets`],
    ['sent', `${formatBytes(traffic.txBytes)} in ${traffic.txPackets} packets`],
    [
      'cleanup',
      cleanup.count === 0
        ? 'nothing ended yet'
        : `p50 ${milliseconds(cleanup.p50)}, p99 ${milliseconds(cleanup.p99)} of ${cleanup.count}`,
    ],
    ['starts', String(counters.starts)],
    ['ends', counts(counters.ends)],
    ['aborts', counts(counters.aborts)],
    ['refusals', counts(counters.refusals)],
    ...Object.entries(counters.auth).map(([method, results]) => [`auth ${method}`, counts(results)] as const),
    ['drops', counts(counters.drops)],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const workers = status.workers.map(worker => [
    String(worker.index),
    worker.state,
    String(worker.sessions),
    String(worker.restarts),
    milliseconds(worker.eventLoopLagP99),
    worker.cpu === null ? '-' : `${Math.round(worker.cpu * 100)} %`,
  ]);
  return [
    ...facts.map(([name, value]) => printable(`${name.padEnd(width)}  ${value}`)),
    '',
    ...formatTable(['WORKER', 'STATE', 'SESSIONS', 'RESTARTS', 'LOOP LAG P99', 'CPU'], workers),
  ];
}

function describeCertificate({ serverNames, subject, notAfter, keyType }: CertificateView, now: number): string {
  const names = serverNames.length === 0 ? subject : serverNames.join(', ');
  const left = (Date.parse(notAfter) - now) / 1000;
  const until = left > 0 ? `${formatDuration(left)} left` : 'EXPIRED';
  return `${names}, ${keyType}, until ${notAfter.slice(0, 10)} (${until})`;
}

/** A family that is not configured has a default pool without addresses; leases may outlast their pool. */
function isUsed({ size, leased }: PoolView): boolean {
  return size > 0 || leased > 0;
}

function describePool({ name, family, size, leased }: PoolView): string {
  return `${name} ${family}: ${leased} of ${size} leased`;
}

function counts(by: CountBy): string {
  const shown = Object.entries(by).filter(([, count]) => count > 0);
  return shown.length === 0 ? 'none' : shown.map(([name, count]) => `${name} ${count}`).join(', ');
}

function milliseconds(seconds: number | null): string {
  return seconds === null ? '-' : `${(seconds * 1000).toFixed(1)} ms`;
}
