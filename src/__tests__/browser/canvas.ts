import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import axe from 'axe-core';
import { expect, onTestFailed, onTestFinished } from 'vitest';
import { commands, type Locator, locators, page } from 'vitest/browser';

import type { IRun } from '../../api/models';
import type { WorkflowWidget } from '../../workflow/widget';
import { Lab } from './lab';
import recording from './recording.json';
import { RecordedServer } from './server';

declare module 'vitest/browser' {
  interface BrowserCommands {
    move(x: number, y: number, steps: number): Promise<void>;
    mouse(action: 'down' | 'up'): Promise<void>;
    click(
      x: number,
      y: number,
      options: { button?: 'right'; clickCount?: number }
    ): Promise<void>;
    wheel(dy: number): Promise<void>;
    press(key: string): Promise<void>;
    hold(key: string, isDown: boolean): Promise<void>;
    type(text: string): Promise<void>;
    /** Waits for the next file that the page downloads. */
    download(): Promise<{ name: string; base64: string }>;
    insert(text: string): Promise<void>;
  }
  interface LocatorSelectors {
    css(selector: string): Locator;
  }
}

locators.extend({ css: (selector: string) => selector });

export type Place = [x: number, y: number];

/** The workflow of the example workspace. */
export const WORKFLOW = 'workflows/wine/dvc.yaml';
const ADDRESS = `workflows/${WORKFLOW.replaceAll('/', '~1')}`;
export const NODES = [
  'load',
  'features',
  'split',
  'forest',
  'linear',
  'compare',
  'plot'
] as const;

/** Width of the drawing's edge, in pixels: dragging there pans the graph. */
const EDGE = 48;

/** Pixels around a port, in which a line that ends is connected to it. */
const PORT_REACH = 40;

/** Recorded state of the server with some replies replaced. */
type State = keyof typeof recording.later;

function setState(server: RecordedServer, state: State): void {
  for (const { path, body, data } of recording.later[state]) {
    server.reply(path, body, data);
  }
}

/** Page object of a canvas, with the user's gestures. */
export class CanvasPage {
  constructor(
    readonly lab: Lab,
    readonly widget: WorkflowWidget
  ) {}

  get server(): RecordedServer {
    return this.lab.server;
  }

  get text(): string {
    return this.widget.context.model.toString();
  }

  /** Saves as a user does; resolves to the text of the file. */
  async save(): Promise<string> {
    await commands.press('Control+s');
    await expect.poll(() => this.widget.context.model.dirty).toBe(false);
    return this.server.files.get(this.widget.context.path)!;
  }

  /** Runs a command, as a menu or the command palette would. */
  command(id: string): Promise<void> {
    return this.lab.commands.execute(id);
  }

  /** Sets the recorded failed run as the reply to the next start of a run. */
  willStartRun(): void {
    const run = recording.later.failed.find(
      one => one.path === `${ADDRESS}/runs/latest`
    )!.data as unknown as IRun;
    const nodes = run.nodes.map(node => ({
      ...node,
      status: 'RUNNING',
      error: null
    }));
    this.server.reply(
      `${ADDRESS}/execute`,
      { origin: 'canvas' },
      { ...run, status: 'RUNNING', error: null, nodes }
    );
  }

  /** Ends that run; the canvas reads it as after events that were missed. */
  failRun(): void {
    setState(this.server, 'failed');
    for (const socket of this.server.sockets) {
      socket.say({ type: 'reset', seq: 0 });
    }
  }

  /** Gives the drawing the focus. */
  focus(): void {
    find('.jp-mlws-Canvas').focus();
  }

  async undo(times = 1): Promise<void> {
    this.focus();
    for (let time = 0; time < times; time++) {
      await commands.press('Control+z');
    }
  }
}

interface ICanvasOptions {
  /** File contents in addition to the recording. */
  files?: Record<string, string>;
  path?: string;
  state?: State;
  /** JupyterLab's state that survives a reload of the page, by its keys. */
  stateDB?: Record<string, ReadonlyPartialJSONValue>;
  /** The nodes that are waited for. */
  nodes?: readonly string[];
}

/** Opens a workflow on a recorded server, and waits until the graph is at rest. */
export async function openCanvas({
  files = {},
  path = WORKFLOW,
  state,
  stateDB = {},
  nodes = NODES
}: ICanvasOptions = {}): Promise<CanvasPage> {
  document.body.dataset.jpThemeLight = 'true';
  const server = new RecordedServer({
    ...recording,
    files: { ...recording.files, ...files }
  });
  if (state) {
    setState(server, state);
  }
  const lab = new Lab(server);
  for (const [key, value] of Object.entries(stateDB)) {
    await lab.state.save(key, value);
  }
  onTestFailed(() => console.warn('Unanswered:', server.unanswered));
  onTestFinished(() => lab.dispose());
  await lab.start();
  const widget = await lab.open(path);
  window.focus();
  for (const id of nodes) {
    await expect.element(node(id)).toBeVisible();
  }
  // Before the components are known, neither the types nor the order of ports are.
  await expect
    .element(css('[data-mlws-component]').first())
    .toBeInTheDocument();
  await atRest(...nodes.map(id => `[data-mlws-node="${id}"]`));
  return new CanvasPage(lab, widget);
}

/** Opens the workflow of a canvas again, as after a reload of the page. */
export async function reload(
  canvas: CanvasPage,
  options: ICanvasOptions = {}
): Promise<CanvasPage> {
  const stateDB = (await canvas.lab.state.toJSON()) as Record<
    string,
    ReadonlyPartialJSONValue
  >;
  const files = Object.fromEntries(canvas.server.files);
  canvas.lab.dispose();
  return openCanvas({ files, stateDB, ...options });
}

/** Waits until elements stop moving; returns their positions. */
async function atRest(...selectors: string[]): Promise<void> {
  let before = '';
  for (let still = 0; still < 4;) {
    await new Promise(requestAnimationFrame);
    const now = selectors.map(one => middle(find(one))).join();
    still = now === before ? still + 1 : 0;
    before = now;
  }
}

/** The first element of a selector; fails if there is none. */
export function find(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (!element) {
    throw new Error(`There is no ${selector}.`);
  }
  return element;
}

export function css(selector: string): Locator {
  return page.css(selector);
}

export function node(id: string): Locator {
  return css(`[data-mlws-node="${id}"]`);
}

export function port(id: string, side: 'in' | 'out', name: string): Locator {
  return css(`[data-mlws-port="${id}:${side}:${name}"]`);
}

export function choice(key: string): Locator {
  return css(`[data-mlws-choice="${key}"]`);
}

export function middle(element: Element): Place {
  const { x, y, width, height } = element.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}

/** Presses on an element, moves in steps, and releases on a target or at a position. */
export async function drag(
  source: Locator,
  target: Locator | Place,
  steps = 12
): Promise<void> {
  await hover(source);
  await commands.mouse('down');
  const place = Array.isArray(target) ? target : middle(target.element());
  await commands.move(...place, steps);
  await commands.mouse('up');
}

/** Moves the pointer to the center of an element, following its movement. */
export async function hover(target: Locator): Promise<void> {
  let place: Place | null = null;
  for (;;) {
    const now = middle(await target.findElement());
    if (now.join() === place?.join()) {
      return;
    }
    place = now;
    await commands.move(...place, 1);
  }
}

/** The free place nearest to a share of the drawing's width and height, without its edges. */
export function emptyPlace(dx = 0.85, dy = 0.85): Place {
  const { left, top, right, bottom } =
    find('.jp-mlws-Canvas').getBoundingClientRect();
  const ports = [...document.querySelectorAll('.react-flow__handle')].map(one =>
    one.getBoundingClientRect()
  );
  const isFree = (x: number, y: number): boolean =>
    x >= left + EDGE &&
    x <= right - EDGE &&
    y >= top + EDGE &&
    y <= bottom - EDGE &&
    ports.every(one => Math.hypot(one.x - x, one.y - y) > PORT_REACH) &&
    document.elementFromPoint(x, y)?.matches('.react-flow__pane') === true;
  const x = left + EDGE + (right - left - 2 * EDGE) * dx;
  const y = top + EDGE + (bottom - top - 2 * EDGE) * dy;
  for (let radius = 0; radius < 600; radius += 12) {
    for (let step = 0; step < 16; step++) {
      const angle = (Math.PI * step) / 8;
      const place: Place = [
        x + radius * Math.cos(angle),
        y + radius * Math.sin(angle)
      ];
      if (isFree(...place)) {
        return place;
      }
    }
  }
  throw new Error('The drawing has no free place.');
}

/** The lines that an edit has removed and added, with their sign. */
export function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const common = old.map(() => new Array<number>(now.length + 1).fill(0));
  common.push(new Array<number>(now.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      common[i][j] =
        old[i] === now[j]
          ? common[i + 1][j + 1] + 1
          : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const changed: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      i++;
      j++;
    } else if (
      i < old.length &&
      (j === now.length || common[i + 1][j] >= common[i][j + 1])
    ) {
      changed.push(`-${old[i++]}`);
    } else {
      changed.push(`+${now[j++]}`);
    }
  }
  return changed;
}

/** The file that the page downloads during an action. */
export async function downloaded(
  act: () => Promise<void>
): Promise<{ name: string; text: string }> {
  const download = commands.download();
  // The browser's end listens when the next command has been answered.
  await commands.hold('Shift', false);
  await act();
  const { name, base64 } = await download;
  return { name, text: atob(base64) };
}

/** The faults within an element that axe calls serious or critical. */
export async function accessFaults(selector: string): Promise<string[]> {
  const { violations } = await axe.run(selector);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(one => one.html).join(' ')}`);
}
