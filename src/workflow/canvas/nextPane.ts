/** Selectors of the panes, each with those of its focus targets in order of preference. */
const PANES: readonly [string, readonly string[]][] = [
  ['.jp-mlws-Palette', ['input']],
  [
    '.jp-mlws-Canvas',
    ['[role=treeitem][tabindex="0"]', '.react-flow__node.selected']
  ],
  ['.jp-mlws-Panel', [':is(input, select, textarea, button):enabled']],
  ['.jp-mlws-Drawer', ['[role=tab][tabindex="0"]']]
];

/** Gives the focus to the next of the palette, the drawing, the settings and the results. */
export function focusNextPane(canvas: HTMLElement): void {
  const panes = PANES.flatMap(([name, targets]) => {
    const pane = canvas.querySelector<HTMLElement>(name);
    return pane ? [{ pane, targets }] : [];
  });
  const current = panes.findIndex(({ pane }) =>
    pane.contains(document.activeElement)
  );
  const { pane, targets } = panes[(current + 1) % panes.length];
  const target = targets
    .map(name => pane.querySelector<HTMLElement>(name))
    .find(element => element !== null);
  (target ?? pane).focus({ preventScroll: !target });
}
