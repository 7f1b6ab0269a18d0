import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { whenSized } from './useHasSize';

let resize: (width: number, height: number) => void;
const disconnect = vi.fn();

beforeEach(() => {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      constructor(report: (entries: object[]) => void) {
        resize = (width, height) =>
          report([{ contentRect: { width, height } }]);
      }
      observe = vi.fn();
      disconnect = disconnect;
    }
  );
  disconnect.mockClear();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it('waits until a hidden element is shown, and acts once', () => {
  const act = vi.fn();
  whenSized(document.createElement('div'), act);
  resize(0, 0);
  resize(800, 0);
  expect(act).not.toHaveBeenCalled();
  resize(800, 600);
  expect(act).toHaveBeenCalledTimes(1);
  expect(disconnect).toHaveBeenCalledTimes(1);
});

it('waits no longer than it is asked to', () => {
  const stop = whenSized(document.createElement('div'), vi.fn());
  stop();
  expect(disconnect).toHaveBeenCalledTimes(1);
});
