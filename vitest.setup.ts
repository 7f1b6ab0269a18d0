import { nullTranslator } from '@jupyterlab/translation';

import { setLabLocale } from './src/ui/locale';

setLabLocale(nullTranslator);
// jsdom lacks these browser classes; Lumino and React Flow touch them while loading.
const missing = globalThis as any;
missing.DragEvent ??= class DragEvent extends MouseEvent {};
missing.ResizeObserver ??= class ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};
missing.DOMMatrixReadOnly ??= class DOMMatrixReadOnly {
  m22 = 1;
};
missing.matchMedia ??= (media: string) => ({
  media,
  matches: false,
  addEventListener: () => {},
  removeEventListener: () => {},
  // The toolbar of a main-area widget uses the older names.
  addListener: () => {},
  removeListener: () => {}
});
// No idle time either.
missing.requestIdleCallback ??= (call: () => void) => setTimeout(call);
// jsdom knows <dialog> but not how to open it.
HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
