import { X509Certificate } from 'node:crypto';
import type { UsersFile } from '../aaa/users.ts';
import { formatAddress } from '../config/address.ts';
import type { RadiusOptions } from '../config/radius-options.ts';
import { type AddressRange, type Config, DEFAULT_POOL, type PrefixPools } from '../config/schema.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6, formatIpv6Prefix } from '../wire/ipv6.ts';
import { formatDuration } from './table.ts';

/** What a line is about, and what there is to say. */
type Line = readonly [subject: string, text: string];

/** What a configuration comes to, in a few lines. No secrets. */
export function describeConfig(config: Config, users: UsersFile): string[] {
  const { admin, ppp, workers } = config;
  const lines: Line[] = [
    ...listeners(config),
    ...certificates(config),
    ['workers', `${workers}`],
    ['methods', ppp.auth.join(', ')],
    ...addresses(config.network),
    ...authority(config, users),
    ...sessions(config),
    ...optional('decoy', decoy(config.sstp)),
    ...hooks(config),
    ['admin', `http://${formatAddress(admin.listen)}${admin.token === undefined ? '' : ' (token)'}`],
  ];
  const width = Math.max(...lines.map(([subject]) => subject.length)) + 2;
  return [
    `${config.file ?? 'embedded default'}: ok`,
    ...lines.map(([subject, text]) => `  ${subject.padEnd(width)}${text}`),
  ];
}

function listeners({ listen }: Config): Line[] {
  return listen.map(entry => {
    const proxies = entry.trustedProxies;
    return [
      'listen',
      `${formatAddress(entry)}${proxies === undefined ? '' : `, behind proxies ${proxies.join(', ')}`}`,
    ];
  });
}

function certificates({ tls }: Config): Line[] {
  return tls.certificates.map((certificate, index) => {
    const names = certificate.serverNames.length === 0 ? 'no name' : certificate.serverNames.join(', ');
    const until = new Date(new X509Certificate(certificate.cert).validTo).toISOString().slice(0, 10);
    return ['certificate', `${names}${index === 0 ? ' (default)' : ''}, valid until ${until}`];
  });
}

function addresses({ ipv4, ipv6, dhcp }: Config['network']): Line[] {
  const gateways = [formatIpv4(ipv4.gateway), ...(ipv6?.gateway === undefined ? [] : [formatIpv6(ipv6.gateway)])];
  const nameServers = [...ipv4.dns.map(formatIpv4), ...(ipv6?.dns ?? []).map(formatIpv6)];
  const { domain, search, routes } = dhcp;
  const told = [
    ...(domain === undefined ? [] : [`domain ${domain}`]),
    ...(search.length === 0 ? [] : [`search ${search.join(', ')}`]),
    ...(routes.length === 0
      ? []
      : [`routes ${routes.map(route => `${formatIpv4(route.address)}/${route.length}`).join(', ')}`]),
  ];
  return [
    ['gateway', gateways.join(', ')],
    ...[{ name: DEFAULT_POOL, ranges: ipv4.pool, next: ipv4.next }, ...ipv4.pools].map(
      ({ name, ranges, next }): Line => {
        const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
        return [poolTitle('pool', name), `${ranges.map(formatRange).join(', ')} (${size} addresses)${helper(next)}`];
      },
    ),
    ...prefixPools('IPv6', ipv6?.link),
    ...prefixPools('delegation', ipv6?.delegated),
    ...optional('DNS', nameServers),
    ...optional('NBNS', ipv4.nbns.map(formatIpv4)),
    ...optional('DHCP', told),
  ];
}

function prefixPools(title: string, pools: PrefixPools | undefined): Line[] {
  if (pools === undefined) return [];
  const all = [{ name: DEFAULT_POOL, prefixes: pools.pool, next: undefined }, ...pools.pools];
  return all
    .filter(({ prefixes }) => prefixes.length > 0)
    .map(({ name, prefixes, next }) => [
      poolTitle(title, name),
      `${prefixes.map(formatIpv6Prefix).join(', ')}, a /${pools.prefixLength} for each session${helper(next)}`,
    ]);
}

function authority({ aaa }: Config, users: UsersFile): Line[] {
  const { radius } = aaa;
  const lines: Line[] = aaa.method === 'users' ? [['users', `${users.size} in ${aaa.users}`]] : [];
  return radius === undefined ? lines : [...lines, ...radiusLines(radius, aaa)];
}

function radiusLines(radius: RadiusOptions, { method, accounting }: Config['aaa']): Line[] {
  const { dynamicAuthorization: dynamic, interimMs, servers } = radius;
  const tasks = [
    ...(method === 'radius' ? ['authentication'] : []),
    ...(accounting ? [`accounting${interimMs === undefined ? '' : ` every ${period(interimMs)}`}`] : []),
  ];
  return [
    ['RADIUS', `${tasks.join(', ') || 'unused'}, as ${radius.nasIdentifier}`],
    ...servers
      .toSorted((a, b) => a.priority - b.priority)
      .map(({ host, authPort, acctPort, priority }): Line => {
        const rank = priority === 0 ? '' : `, priority ${priority}`;
        return ['RADIUS server', `${host}, ports ${authPort} and ${acctPort}${rank}`];
      }),
    ...(dynamic === undefined
      ? []
      : [
          [
            'CoA',
            `${formatAddress(dynamic.listen)}, from ${dynamic.clients.map(client => client.address).join(', ')}`,
          ] as const,
        ]),
  ];
}

function sessions({ limits, session }: Config): Line[] {
  const { maxHalfOpen, maxSessions, perAddress, perUser } = limits;
  return optional('limits', [
    ...(maxSessions === Infinity ? [] : [`${maxSessions} sessions`]),
    `${maxHalfOpen} half-open connections of each worker`,
    ...(perAddress === undefined
      ? []
      : [`of an address ${perAddress.rate}/s (burst ${perAddress.burst}, half-open ${perAddress.halfOpen})`]),
    ...(perUser.sessions === Infinity
      ? []
      : [`of a user ${perUser.sessions} (${perUser.policy === 'deny' ? 'no more' : 'the oldest gives way'})`]),
    ...(session.timeout === undefined ? [] : [`${period(session.timeout)} of session`]),
    ...(session.idleTimeout === undefined ? [] : [`${period(session.idleTimeout)} of silence`]),
  ]);
}

function decoy({ decoy }: Config['sstp']): string[] {
  if (decoy === 404) return [];
  if (decoy === 'close') return ['none: connections are closed'];
  if ('redirect' in decoy) return [`redirect to ${decoy.redirect}`];
  const size = decoy.files.reduce((sum, { content }) => sum + content.length, 0);
  return [`${decoy.files.length} files of ${decoy.directory} (${Math.ceil(size / 1024)} KiB)`];
}

/** Without arguments: there may be a secret among them. */
function hooks({ hooks: { up, down } }: Config): Line[] {
  return optional('hooks', [
    ...(up === undefined ? [] : [`up ${up[0]}`]),
    ...(down === undefined ? [] : [`down ${down[0]}`]),
  ]);
}

function optional(subject: string, texts: readonly string[]): Line[] {
  return texts.length === 0 ? [] : [[subject, texts.join(', ')]];
}

function poolTitle(title: string, name: string): string {
  return name === DEFAULT_POOL ? title : `${title} ${name}`;
}

function helper(next: string | undefined): string {
  return next === undefined ? '' : `, then pool ${next}`;
}

function formatRange({ first, last }: AddressRange): string {
  return first === last ? formatIpv4(first) : `${formatIpv4(first)}-${formatIpv4(last)}`;
}

function period(milliseconds: number): string {
  return formatDuration(milliseconds / 1000).replace(/ 0[hms]$/, '');
}
