// Somebody clicks through the dashboard of a gateway that has 2,000 tunnels (with CI=true; fewer elsewhere) and traffic.
// SSTP_DASHBOARD_TUNNELS=N sets how many, SSTP_DASHBOARD_SCREENSHOTS=docs/images draws the documentation's pictures.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { chromiumUnavailable, startBrowser, Visit } from './browser.ts';
import { BROWSERS, HOSTILE, LiveGateway, WRONG_PASSWORDS } from './live-gateway.ts';
import { drawScreenshots } from './screenshots.ts';

const TUNNELS = Number(process.env['SSTP_DASHBOARD_TUNNELS'] ?? (process.env['CI'] === 'true' ? 2000 : 200));
const PICTURES = process.env['SSTP_DASHBOARD_SCREENSHOTS'];
const PER_PAGE = 50;
const ROW = '#sessions-rows tr';
const SESSION_NAME = '#sessions-rows th a';

describe(`the dashboard of a gateway with ${TUNNELS} tunnels`, { skip: chromiumUnavailable() }, () => {
  let gateway: LiveGateway;
  let browser: Browser;
  let visit: Visit;
  /** Tunnels that are still there. */
  let tunnels = TUNNELS;

  const total = (): string => tunnels.toLocaleString('en');
  const sessionsLeft = async (): Promise<number> => (await gateway.process.status()).sessions.up;

  before(async () => {
    [gateway, browser] = await Promise.all([LiveGateway.start(TUNNELS), startBrowser()]);
    visit = await Visit.start(browser, gateway.process.admin);
  });
  after(async () => {
    await visit?.close();
    await browser?.close();
    await gateway?.close();
  });

  test('the overview says how many there are and how much they send', async () => {
    await visit.shows('#state', 'Ready');
    await visit.shows('#tile-sessions', total());
    await visit.shows('#tile-rx', /[1-9][\d.]* [kM]bit\/s/);
    await visit.shows('#tile-tx', /[1-9][\d.]* [kM]bit\/s/);
    assert.equal(await visit.page.locator('#workers tr').count(), 2);
    await visit.shows('#talkers li', /ines/);
    await visit.shows('#pools li', total());
    await visit.shows('#certificates li', 'localhost');
  });

  test('refusals are told by their reasons', async () => {
    await visit.shows('#refusals li:has-text("mschapv2") .meter-value', String(WRONG_PASSWORDS));
    await visit.shows('#refusals li:has-text("connection") .meter-value', String(BROWSERS));
  });

  test('the charts draw, and move', async () => {
    const charts = ['sessions', 'traffic', 'cpu', 'lag'];
    for (const chart of charts) await visit.until(`${pixels(chart)}.blue > 100`);
    const before = await visit.evaluate<string>(`[${charts.map(chart => `${pixels(chart)}.picture`).join()}].join()`);
    for (const [index, picture] of before.split(/,(?=data:)/).entries()) {
      await visit.until(`${pixels(charts[index]!)}.picture !== ${JSON.stringify(picture)}`);
    }
  });

  test('the list shows a page, goes on to the next, and counts all', async () => {
    await visit.page.click('#nav-sessions');
    await visit.shows('#sessions-matched', total());
    assert.equal(await visit.page.locator(ROW).count(), PER_PAGE);
    await visit.shows('#page-shown', `1–50 of ${total()}`);
    assert.equal(await visit.page.locator('#page-before').isDisabled(), true);
    const first = await visit.text(SESSION_NAME);
    await visit.page.click('#page-next');
    await visit.shows('#page-shown', `51–100 of ${total()}`);
    assert.equal(await visit.page.locator(ROW).count(), PER_PAGE);
    await visit.page.click('#page-before');
    await visit.shows('#page-shown', `1–50 of ${total()}`);
    assert.equal(await visit.text(SESSION_NAME), first);
  });

  test('the list is sorted by what is clicked, and the other way by a second click', async () => {
    const header = visit.page.locator('#sessions-head th', { hasText: 'User' });
    await header.locator('button').click();
    await visit.shows(SESSION_NAME, HOSTILE);
    assert.equal(await header.getAttribute('aria-sort'), 'ascending');
    await header.locator('button').click();
    await visit.shows(SESSION_NAME, 'viktor');
    assert.equal(await header.getAttribute('aria-sort'), 'descending');
    await visit.page.locator('#sessions-head button', { hasText: /^Down$/ }).click();
    await visit.until(`/[1-9].*bit/.test(document.querySelector('${ROW} td:nth-child(7)').textContent)`);
    assert.equal(await header.getAttribute('aria-sort'), null);
  });

  test('the search finds by user and by address, and says when it finds nothing', async () => {
    await visit.page.fill('#search', 'bob');
    await visit.shows('#page-shown', '1–5 of 5');
    assert.deepEqual(await visit.page.locator(SESSION_NAME).allTextContents(), Array(5).fill('bob'));
    const address = await visit.text(`${ROW} td:nth-child(3)`);
    await visit.page.fill('#search', address);
    await visit.until(`document.querySelector('${ROW} td:nth-child(3)')?.textContent === '${address}'`);
    await visit.page.fill('#search', 'nobody of this name');
    await visit.shows('#sessions-empty', 'No session fits the search.');
    assert.equal(await visit.page.locator(ROW).count(), 0);
    await visit.page.fill('#search', '');
    await visit.page.selectOption('#state-filter', 'closing');
    await visit.shows('#sessions-matched', /^0$/);
    await visit.page.selectOption('#state-filter', '');
    await visit.shows('#sessions-matched', total());
  });

  test('a session page tells what was negotiated, counts, and draws', async () => {
    await visit.page.fill('#search', 'ines');
    await visit.shows('#page-shown', '1–1 of 1');
    await visit.page.click(SESSION_NAME);
    await visit.shows('#session-user', 'ines');
    await visit.shows('#session-state', 'up');
    for (const fact of ['mschapv2', 'sha256', 'TLSv1.3', 'localhost', '10.66.']) {
      await visit.shows('#session-cards dd', fact);
    }
    const downloaded = '#session-cards dt:text-is("Downloaded") + dd';
    const before = await visit.text(downloaded);
    await visit.until(
      `![...document.querySelectorAll('#session-cards dd')].some(e => e.textContent === ${JSON.stringify(before)})`,
    );
    await visit.shows('#chart-session .readout', /download [1-9][\d.]* [kM]bit\/s/);
  });

  test('a disconnect asks first, and ends the session only then', async () => {
    const id = decodeURIComponent(visit.page.url().split('/').at(-1)!);
    await visit.page.click('#session-disconnect');
    await visit.shows('#dialog', 'Disconnect ines?');
    await visit.page.click('#dialog-close');
    await visit.page.locator('#dialog').waitFor({ state: 'hidden' });
    assert.equal(await sessionsLeft(), tunnels);
    await visit.page.click('#session-disconnect');
    await visit.page.click('#dialog-action');
    await visit.shows('#session-state', 'ended');
    tunnels--;
    assert.ok(!(await gateway.process.sessions()).some(session => session.id === id));
    assert.equal(await sessionsLeft(), tunnels);
    await visit.page.click('#session-back');
    await visit.shows('#sessions-empty', 'No session fits the search.');
    await visit.page.click('#nav-overview');
    await visit.shows('#events li', 'ines disconnected');
    await visit.shows('#tile-sessions', total());
  });

  test('a name that is markup stays text, wherever it is shown', async () => {
    await visit.page.goto(`${gateway.process.admin}/#/sessions?search=${encodeURIComponent('<img')}`);
    await visit.shows('#page-shown', '1–1 of 1');
    assert.equal(await visit.text(SESSION_NAME), HOSTILE);
    await visit.page.click(SESSION_NAME);
    await visit.shows('#session-user', HOSTILE);
    await visit.page.click('#session-disconnect');
    await visit.shows('#dialog', `Disconnect ${HOSTILE}?`);
    await visit.page.click('#dialog-action');
    await visit.shows('#session-state', 'ended');
    tunnels--;
    await visit.page.click('#nav-overview');
    await visit.shows('#events li', `${HOSTILE} disconnected`);
    assert.equal(await visit.evaluate('document.images.length'), 0);
    assert.notEqual(await visit.page.title(), '1');
  });

  test('a keyboard is enough', async () => {
    await visit.page.goto(`${gateway.process.admin}/`);
    await visit.page.reload();
    await visit.shows('#tile-sessions', total());
    await visit.press('Tab');
    assert.equal(await visit.page.locator('#skip:focus').count(), 1);
    await visit.press('Enter');
    assert.equal(await visit.page.locator('#main:focus').count(), 1);
    await visit.tabTo('#nav-sessions', 'Shift+Tab');
    await visit.press('Enter');
    await visit.shows('#sessions-matched', total());
    await visit.tabTo('#search');
    await visit.page.keyboard.type('bob');
    await visit.shows('#page-shown', '1–5 of 5');
    await visit.tabTo('#sessions-head button:text-is("User")');
    await visit.press('Enter');
    await visit.page.locator('#sessions-head th[aria-sort=ascending]').waitFor();
    await visit.tabTo(SESSION_NAME);
    const outline = `getComputedStyle(document.activeElement).outlineStyle`;
    assert.equal(await visit.evaluate(outline), 'solid', 'the focus is seen');
    await visit.press('Enter');
    await visit.shows('#session-state', 'up');
    await visit.tabTo('#session-disconnect');
    await visit.press('Enter');
    assert.equal(await visit.page.locator('#dialog-close:focus').count(), 1, 'no is the first answer');
    await visit.press('Escape');
    await visit.page.locator('#dialog').waitFor({ state: 'hidden' });
    assert.equal(await visit.page.locator('#session-disconnect:focus').count(), 1, 'the focus is where it was');
    await visit.press('Enter');
    await visit.press('Tab');
    await visit.press('Enter');
    await visit.shows('#session-state', 'ended');
    tunnels--;
    assert.equal(await sessionsLeft(), tunnels);
  });

  test('nothing is cut off on a phone', async () => {
    const phone = await Visit.start(browser, gateway.process.admin, {
      viewport: { width: 360, height: 740 },
      isMobile: true,
      hasTouch: true,
    });
    for (const view of ['#/', '#/sessions']) {
      await phone.page.goto(`${gateway.process.admin}/${view}`);
      await phone.shows(view === '#/' ? '#tile-sessions' : '#sessions-matched', total());
      assert.equal(await phone.evaluate('document.documentElement.scrollWidth'), 360, view);
    }
    await phone.page.locator(SESSION_NAME).first().tap();
    await phone.shows('#session-state', 'up');
    assert.equal(await phone.evaluate('document.documentElement.scrollWidth'), 360, 'session');
    await phone.close();
  });

  test('the pictures of the documentation', { skip: PICTURES === undefined && 'only when asked for' }, async () => {
    await drawScreenshots(browser, gateway, PICTURES!);
  });
});

/** An expression: what the chart looks like, and how many of its pixels have the colour of its line. */
function pixels(chart: string): string {
  return `(() => {
    const canvas = document.querySelector('#chart-${chart} canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let blue = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at + 2] > data[at] + 60 && data[at + 3] > 200) blue++;
    return { blue, picture: canvas.toDataURL() };
  })()`;
}
