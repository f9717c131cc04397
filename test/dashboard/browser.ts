// A headless Chromium (the Debian package chromium) that looks at the dashboard, and notes whatever a page must not do.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const WAIT_LIMIT_MS = 15_000;

/** Why tests in a browser must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
export function chromiumUnavailable(): string | false {
  return !existsSync(CHROMIUM) && process.env['CI'] !== 'true' ? 'chromium (a Debian package) is not installed' : false;
}

/** Without Chromium's sandbox, which root cannot have: the pages are our own. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

export class Visit {
  readonly page: Page;
  /** Errors on the console, exceptions, and requests to anywhere but the gateway. */
  readonly faults: string[] = [];

  /** @param url of the admin plane. */
  static async start(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    context.setDefaultTimeout(WAIT_LIMIT_MS);
    const visit = new Visit(await context.newPage(), url);
    await visit.page.goto(url);
    return visit;
  }

  private constructor(page: Page, url: string) {
    this.page = page;
    const { host } = new URL(url);
    page.on('console', message => {
      // The browser's own note of an answer that is no success is judged below.
      const isNote = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isNote) this.faults.push(`console: ${message.text()}`);
    });
    page.on('response', response => {
      const isAnswer = new URL(response.url()).pathname.startsWith('/api/');
      if (response.status() >= 400 && !isAnswer) this.faults.push(`${response.status()}: ${response.url()}`);
    });
    page.on('pageerror', error => this.faults.push(`exception: ${error.message}`));
    page.on('request', request => {
      if (new URL(request.url()).host !== host) this.faults.push(`request: ${request.url()}`);
    });
    page.on('websocket', socket => {
      if (new URL(socket.url()).host !== host) this.faults.push(`request: ${socket.url()}`);
    });
  }

  /** Waits until the element says this. */
  async shows(selector: string, text: string | RegExp): Promise<void> {
    await this.page.locator(selector, { hasText: text }).first().waitFor();
  }

  async text(selector: string): Promise<string> {
    return (await this.page.locator(selector).first().textContent()) ?? '';
  }

  /** Presses the key until the element has the focus: whoever has no mouse gets there. */
  async tabTo(selector: string, key = 'Tab'): Promise<void> {
    for (let tabs = 0; tabs < 100; tabs++) {
      await this.press(key);
      if ((await this.page.locator(selector).and(this.page.locator(':focus')).count()) > 0) return;
    }
    assert.fail(`${key} does not lead to ${selector}`);
  }

  press(key: string): Promise<void> {
    return this.page.keyboard.press(key);
  }

  /** What the page's own code would see. @param expression of JavaScript */
  evaluate<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  /** Waits until the expression is true. The page's own policy forbids Playwright's way of doing that. */
  async until(expression: string): Promise<void> {
    const end = performance.now() + WAIT_LIMIT_MS;
    while (!(await this.evaluate<boolean>(expression))) {
      if (performance.now() > end) assert.fail(`not so in time: ${expression}`);
      await this.page.waitForTimeout(50);
    }
  }

  async close(): Promise<void> {
    await this.page.context().close();
    assert.deepEqual(this.faults, []);
  }
}
