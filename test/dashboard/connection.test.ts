// The dashboard and a gateway that asks for a token, goes away, comes back, is looked at by nobody.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { type AddressInfo, createServer } from 'node:net';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { AdminServer } from '../../src/admin/server.ts';
import { FakeGateway } from '../admin/fake-gateway.ts';
import { chromiumUnavailable, startBrowser, Visit } from './browser.ts';

/** As openssl rand -base64 makes them. */
const TOKEN = 'correct/horse+battery=';

describe('a dashboard and its gateway', { skip: chromiumUnavailable() }, () => {
  let browser: Browser;
  let gateway: FakeGateway;
  let server: AdminServer;
  let port: number;

  const start = async (token?: string): Promise<string> => {
    const log = pino({ level: 'silent' });
    server = new AdminServer({ listen: { host: '127.0.0.1', port }, token, view: gateway, log });
    await server.listen();
    return `http://127.0.0.1:${port}`;
  };

  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    port = await freePort();
    gateway = new FakeGateway();
    gateway.add('s1');
  });
  afterEach(() => server.close());

  test('the token is asked for, kept for the tab, and sent with requests and for events', async () => {
    const url = await start(TOKEN);
    const visit = await Visit.start(browser, url);
    await visit.shows('#state', 'Signed out');
    assert.equal(await visit.page.locator('#token:focus').count(), 1);
    assert.equal(await visit.page.locator('#overview').isVisible(), false);
    assert.equal(await visit.text('#sign-in-error'), '');
    await visit.page.click('#nav-sessions');
    assert.equal(await visit.page.locator('#sign-in').isVisible(), true, 'there is no way around it');
    await visit.page.click('#nav-overview');
    await visit.page.fill('#token', `${TOKEN}\u200b`);
    await visit.press('Enter');
    await visit.shows('#sign-in-error', 'a token has letters, digits and signs of ASCII only');
    await visit.page.fill('#token', 'another-token');
    await visit.press('Enter');
    await visit.shows('#sign-in-error', 'the token is wrong');
    await visit.page.fill('#token', TOKEN);
    await visit.press('Enter');
    await visit.shows('#tile-sessions', '1');
    assert.equal(await visit.page.locator('#sign-in').isVisible(), false);
    while (gateway.listeners.size === 0) await visit.page.waitForTimeout(20);
    for (const listener of gateway.listeners) listener({ at: new Date().toISOString(), type: 'drain' });
    await visit.shows('#events li', 'Draining');
    await visit.page.reload();
    await visit.shows('#tile-sessions', '1');
    const other = await Visit.start(browser, url);
    await other.shows('#state', 'Signed out');
    await other.close();
    await visit.page.click('#sign-out');
    await visit.shows('#state', 'Signed out');
    assert.equal(await visit.evaluate('JSON.stringify({ ...sessionStorage, ...localStorage })'), '{}');
    await visit.close();
  });

  test('a gateway that answers no more is seen at once, and found again when it is back', async () => {
    const visit = await Visit.start(browser, await start());
    await visit.shows('#state', 'Ready');
    assert.equal(await visit.page.locator('#lost').isVisible(), false);
    server.close();
    await visit.shows('#lost', 'does not answer');
    await visit.shows('#state', 'No answer');
    await start();
    await visit.shows('#state', 'Ready');
    assert.equal(await visit.page.locator('#lost').isVisible(), false);
    // Also for events, after a while.
    while (gateway.listeners.size === 0) await visit.page.waitForTimeout(20);
    visit.faults.splice(0, visit.faults.length, ...visit.faults.filter(fault => !fault.includes('WebSocket')));
    await visit.close();
  });

  test('why it is not ready, and that it drains, is said', async () => {
    gateway.readiness = { ready: false, reasons: ['worker 1 is restarting'] };
    const visit = await Visit.start(browser, await start());
    await visit.shows('#state', 'Not ready');
    await visit.shows('#unready', 'worker 1 is restarting');
    await visit.close();
  });

  test('a certificate that ends soon is warned of in every view, one that does not is not', async () => {
    const status = gateway.status();
    const ending = (days: number): void => {
      const notAfter = new Date(Date.now() + (days + 0.5) * 86_400_000).toISOString();
      const certificates = [{ ...status.certificates[0]!, serverNames: ['vpn.example.org'], notAfter }];
      gateway.status = () => ({ ...status, certificates });
    };
    ending(20);
    const visit = await Visit.start(browser, `${await start()}/#/sessions`);
    await visit.shows('#expiry', /certificate of vpn\.example\.org ends in 20d/);
    ending(21);
    await visit.page.locator('#expiry').waitFor({ state: 'hidden' });
    ending(-3);
    await visit.shows('#expiry', /vpn\.example\.org ended 2d/);
    await visit.close();
  });

  test('a fault of the gateway is shown as what it is', async () => {
    const visit = await Visit.start(browser, await start());
    await visit.shows('#state', 'Ready');
    gateway.broken = true;
    await visit.shows('#lost', 'the gateway failed to answer');
    gateway.broken = false;
    await visit.page.locator('#lost').waitFor({ state: 'hidden' });
    await visit.close();
  });

  test('draining is asked about, a reload says what came of it', async () => {
    const visit = await Visit.start(browser, await start());
    await visit.shows('#tile-sessions', '1');
    await visit.page.click('#reload');
    await visit.shows('#dialog', 'Needs a restart: listen.');
    await visit.press('Escape');
    gateway.reloaded = { ok: false, problems: ['gateway.yaml:3: workers: not a number'] };
    await visit.page.click('#reload');
    await visit.shows('#dialog', 'gateway.yaml:3: workers: not a number');
    await visit.press('Escape');
    await visit.page.click('#drain');
    await visit.press('Enter');
    assert.deepEqual(gateway.drains, []);
    await visit.page.click('#drain');
    await visit.page.click('#dialog-action');
    while (gateway.drains.length === 0) await visit.page.waitForTimeout(20);
    assert.deepEqual(gateway.drains, [false]);
    await visit.close();
  });

  test('a question that comes before the page was drawn without the last one has its own answer', async () => {
    const visit = await Visit.start(browser, await start());
    await visit.shows('#tile-sessions', '1');
    for (const answer of ['#dialog-close', '#dialog-action']) {
      await visit.evaluate(`(async () => {
        const click = selector => document.querySelector(selector).click();
        click('#drain');
        click('#dialog-close');
        click('#drain');
        for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
        click('${answer}');
      })()`);
      await visit.page.locator('#dialog').waitFor({ state: 'hidden' });
      if (answer === '#dialog-close') assert.deepEqual(gateway.drains, []);
    }
    for (let look = 0; look < 500 && gateway.drains.length === 0; look++) await visit.page.waitForTimeout(20);
    assert.deepEqual(gateway.drains, [false], 'the one that was answered with no is not taken along');
    await visit.close();
  });

  test('nothing is asked while nobody looks', async () => {
    const visit = await Visit.start(browser, await start());
    await visit.shows('#state', 'Ready');
    await visit.evaluate(`(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, value: true });
      document.dispatchEvent(new Event('visibilitychange'));
    })()`);
    // What is under way may come to its end.
    await visit.page.waitForTimeout(500);
    let asked = 0;
    visit.page.on('request', () => asked++);
    await visit.page.waitForTimeout(3000);
    assert.equal(asked, 0);
    await visit.evaluate(`(() => {
      delete document.hidden;
      document.dispatchEvent(new Event('visibilitychange'));
    })()`);
    await visit.page.waitForRequest(/status/);
    await visit.close();
  });

  test('the colours are those of the system until the button says otherwise', async () => {
    const visit = await Visit.start(browser, await start(), { colorScheme: 'dark' });
    const isDark = `getComputedStyle(document.body).colorScheme + getComputedStyle(document.body).backgroundColor`;
    await visit.shows('#state', 'Ready');
    const dark = await visit.evaluate(isDark);
    await visit.page.click('#theme');
    const light = await visit.evaluate(isDark);
    assert.notEqual(light, dark);
    await visit.page.reload();
    await visit.shows('#state', 'Ready');
    assert.equal(await visit.evaluate(isDark), light);
    await visit.page.click('#theme');
    assert.equal(await visit.evaluate('localStorage.length'), 0, 'the system is followed again');
    await visit.page.emulateMedia({ colorScheme: 'light' });
    assert.notEqual(await visit.evaluate(isDark), dark);
    await visit.close();
  });

  test('an address of the page leads to the same view again', async () => {
    gateway.add('s2', { user: 'bob' });
    const url = await start();
    const visit = await Visit.start(browser, `${url}/#/sessions?search=bob&sort=user`);
    await visit.shows('#page-shown', '1–1 of 1');
    assert.equal(await visit.page.inputValue('#search'), 'bob');
    await visit.page.goto(`${url}/#/sessions/gone`);
    await visit.shows('#session-note', 'There is no such session.');
    await visit.page.goBack();
    await visit.shows('#page-shown', '1–1 of 1');
    await visit.page.goto(`${url}/#/sessions?sort=nonsense`);
    await visit.shows('#lost', 'sort must be one of');
    await visit.close();
  });
});

/** That nobody uses on loopback now. A server on a port of its own choice could not come back to it at once. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => void server.close(resolve));
  return port;
}
