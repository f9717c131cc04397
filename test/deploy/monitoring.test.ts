// What is written about the metrics, and what is made of them, is held against those that a gateway has.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dashboard, panelsOf } from './dashboard.ts';
import { eventfulExposition } from './exposition.ts';
import type { Exposition } from './exposition.ts';
import { referencesOf } from './promql.ts';
import { ruleGroups } from './rules.ts';

const ROOT = new URL('../../../', import.meta.url);
/** Labels of what may be empty. */
const MAY_HAVE: Readonly<Record<string, readonly string[]>> = { nodejs_gc_duration_seconds_sum: ['kind'] };
/** Of Node's own: not there before the first of what they count. */
const MAY_BE_EMPTY = ['nodejs_active_requests', 'nodejs_gc_duration_seconds'];

describe('monitoring', () => {
  let exposition: Exposition;

  before(async () => {
    exposition = await eventfulExposition();
  });

  test('a gateway to which all sorts of things have happened has a sample of every metric', () => {
    const empty = [...exposition].filter(([, { samples }]) => samples === 0).map(([name]) => name);
    assert.deepEqual(
      empty.filter(name => !MAY_BE_EMPTY.includes(name)),
      [],
    );
  });

  test('docs/metrics.md has every metric with its type and labels, and none that there is not', () => {
    const described = metricTable();
    const real = new Map([...exposition].map(([name, { type, labels }]) => [name, { type, labels }]));
    for (const name of MAY_BE_EMPTY) {
      if (exposition.get(name)?.samples === 0) real.set(name, described.get(name)!);
    }
    assert.deepEqual(Object.fromEntries(described), Object.fromEntries(real));
  });

  test('the rules of Prometheus name only metrics and labels that there are', () => {
    const rules = ruleGroups().flatMap(group => group.rules);
    const recorded = rules.map(rule => rule.record).filter(name => name !== undefined);
    for (const { expr } of rules) assertKnown(expr, exposition, recorded);
  });

  test('the dashboard of Grafana names only metrics and labels that there are, its legends too', () => {
    for (const { expr, legend } of dashboard().expressions) {
      const known = assertKnown(expr, exposition);
      for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(known.has(label!), `${expr}: its legend "${legend}" has the label ${label}`);
      }
    }
  });

  test('the dashboard shows every metric of the gateway but the limit of sessions, which may be infinite', () => {
    const shown = dashboard().expressions.flatMap(({ expr }) => referencesOf(expr).selectors.map(each => each.metric));
    const missing = [...exposition.keys()].filter(
      name => name.startsWith('sstp_') && !shown.some(each => familyOf(each) === name),
    );
    assert.deepEqual(missing, ['sstp_sessions_limit']);
  });
});

describe('the dashboard of Grafana', () => {
  test('has panels with ids of their own, on a grid of 24 columns, none over another', () => {
    const panels = panelsOf(dashboard().document);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const cells = new Set<string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x >= 0 && gridPos.w > 0 && gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!cells.has(`${x} ${y}`), `${title} lies over another panel`);
          cells.add(`${x} ${y}`);
        }
      }
    }
  });

  test('asks in PromQL', { skip: promtoolUnavailable() }, t => {
    const rules = dashboard().expressions.map(({ expr }, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = join(temporaryFolder(t), 'rules.json');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    promtool('check', 'rules', file);
  });

  test('asks the data source and the gateways that are chosen, whichever they are', () => {
    const { document, expressions } = dashboard();
    assert.ok(document.schemaVersion >= 36);
    assert.deepEqual(
      document.templating.list.map(({ name }) => name),
      ['datasource', 'job', 'instance'],
    );
    for (const { title, type, datasource, targets = [] } of panelsOf(document)) {
      if (type === 'row') continue;
      assert.ok(targets.length > 0, title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      for (const asked of [datasource, ...targets.map(target => target.datasource)]) {
        assert.equal(asked?.uid, '${datasource}', title);
      }
    }
    for (const { expr } of expressions) {
      for (const { labels, metric } of referencesOf(expr).selectors) {
        assert.ok(labels.includes('job') && labels.includes('instance'), `${metric} of every gateway in ${expr}`);
      }
    }
  });
});

describe('the rules of Prometheus', () => {
  test('tell severity, what is wrong, and what to do', () => {
    for (const { alert, labels, annotations } of ruleGroups().flatMap(group => group.rules)) {
      if (alert === undefined) continue;
      assert.match(alert, /^Sstp[A-Z]/);
      assert.ok(['warning', 'critical'].includes(labels?.['severity'] ?? ''), alert);
      assert.ok((annotations?.['summary'] ?? '').length > 0, alert);
      assert.ok((annotations?.['description'] ?? '').length > 60, alert);
    }
  });

  test('are each seen to fire in their own tests, and named in docs/metrics.md', () => {
    const tests = readFileSync(deployed('alerts.test.yml'), 'utf8');
    const docs = readFileSync(new URL('docs/metrics.md', ROOT), 'utf8').match(/\bSstp\w+/g) ?? [];
    const alerts = ruleGroups()
      .flatMap(group => group.rules.map(rule => rule.alert))
      .filter(name => name !== undefined);
    assert.deepEqual(
      alerts.filter(name => !tests.includes(`alertname="${name}"`)),
      [],
    );
    assert.deepEqual(new Set(docs), new Set(alerts));
  });

  test('pass promtool', { skip: promtoolUnavailable() }, () => {
    promtool('check', 'rules', deployed('alerts.yml'));
    promtool('test', 'rules', deployed('alerts.test.yml'));
  });

  test('and the scrape configuration passes promtool, with its token file', { skip: promtoolUnavailable() }, t => {
    const folder = temporaryFolder(t);
    const token = join(folder, 'token');
    writeFileSync(token, 'secret');
    cpSync(deployed('alerts.yml'), join(folder, 'alerts.yml'));
    const config = readFileSync(deployed('prometheus.yml'), 'utf8');
    assert.ok(config.includes('/etc/prometheus/sstp-gateway.token'));
    writeFileSync(join(folder, 'prometheus.yml'), config.replace('/etc/prometheus/sstp-gateway.token', token));
    const output = promtool('check', 'config', join(folder, 'prometheus.yml'));
    assert.match(output, /\d+ rules found/);
  });
});

/** @returns labels that the results may have */
function assertKnown(expression: string, exposition: Exposition, recorded: readonly string[] = []): Set<string> {
  const { selectors, grouping } = referencesOf(expression);
  assert.ok(selectors.length > 0, expression);
  const known = new Set(['job', 'instance']);
  for (const { metric, labels } of selectors) {
    if (recorded.includes(metric) || metric === 'up') continue;
    const family = exposition.get(familyOf(metric)) ?? exposition.get(metric);
    assert.ok(family !== undefined, `there is no metric ${metric}: ${expression}`);
    const isBucket = metric.endsWith('_bucket');
    const own = ['job', 'instance', ...family.labels, ...(isBucket ? ['le'] : []), ...(MAY_HAVE[metric] ?? [])];
    for (const label of labels) assert.ok(own.includes(label), `${metric} has no label ${label}: ${expression}`);
    for (const label of own) known.add(label);
  }
  for (const label of grouping) assert.ok(known.has(label), `nothing has the label ${label}: ${expression}`);
  return known;
}

/** A histogram's parts are of its family. */
function familyOf(metric: string): string {
  return metric.replace(/_(?:bucket|sum|count)$/, '');
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sstp-monitoring-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function promtoolUnavailable(): string | false {
  const missing = spawnSync('promtool', ['--version']).error !== undefined;
  return missing && process.env['CI'] !== 'true' ? 'promtool (Debian package prometheus) is not installed' : false;
}

function promtool(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  return stdout + stderr;
}

function deployed(name: string): string {
  return fileURLToPath(new URL(`deploy/prometheus/${name}`, ROOT));
}

/** The rows of all tables: name, type, labels. */
function metricTable() {
  const text = readFileSync(new URL('docs/metrics.md', ROOT), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*)\|/gm)];
  return new Map(
    rows.map(([, name, type, labels]) => [
      name!,
      { type: type!, labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!).toSorted() },
    ]),
  );
}
