import { expect, it } from 'vitest';

import { type IPanesState, PanesStore } from './panes';

it('keeps sizes within their limits, and gives them back', () => {
  const kept: IPanesState[] = [];
  const panes = new PanesStore(state => kept.push(state));
  panes.resize('drawer', 20);
  expect(panes.pane('drawer')).toEqual({ size: 100, isOpen: true });
  panes.resize('palette', 222.4);
  panes.setOpen('panel', false);
  const next = new PanesStore();
  next.restore(kept[kept.length - 1]);
  expect(next.pane('palette').size).toBe(222);
  expect(next.pane('panel').isOpen).toBe(false);
});

it('opens the drawer at a tab', () => {
  const panes = new PanesStore();
  let changes = 0;
  panes.changed.connect(() => (changes += 1));
  expect(panes.pane('drawer').isOpen).toBe(false);
  panes.showTab('log');
  expect([panes.tab, panes.pane('drawer').isOpen]).toEqual(['log', true]);
  expect(changes).toBe(1);
});

it('has its own sizes where nothing was kept', () => {
  const panes = new PanesStore();
  panes.restore(undefined);
  expect(panes.pane('palette').isOpen).toBe(true);
});

it('leaves room for the drawing where the canvas is narrow', () => {
  const panes = new PanesStore();
  expect(panes.widths(1280, true)).toEqual({ palette: 170, panel: 280 });
  expect(panes.widths(480, true)).toEqual({ palette: 0, panel: 180 });
  expect(panes.widths(300, true)).toEqual({ palette: 0, panel: 0 });
  panes.setOpen('palette', true);
  expect(panes.widths(480, true)).toEqual({ palette: 120, panel: 0 });
  panes.setOpen('panel', true);
  expect(panes.widths(300, true)).toEqual({ palette: 0, panel: 180 });
  panes.setOpen('panel', false);
  expect(panes.widths(300, false)).toEqual({ palette: 0, panel: 0 });
});
