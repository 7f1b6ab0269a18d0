import type { EditorView } from '@codemirror/view';

/** Line numbers of a pane that are aligned with those of the others with the same index. */
type Anchors = readonly number[];

/** Line of a second pane that is beside `line`; both counted from 0, with fractions. */
export function beside(line: number, own: Anchors, other: Anchors): number {
  let at = 0;
  while (at < own.length && own[at] <= line) {
    at += 1;
  }
  const [before, after] = [at - 1, at];
  const ownStart = own[before] ?? 0;
  const otherStart = other[before] ?? 0;
  if (after >= own.length) {
    return otherStart + (line - ownStart);
  }
  const part = (line - ownStart) / (own[after] - ownStart);
  return otherStart + part * (other[after] - otherStart);
}

/** The line at the top of a pane, counted from 0, with a fraction. */
function topLine(view: EditorView): number {
  const block = view.lineBlockAtHeight(view.scrollDOM.scrollTop);
  const part = (view.scrollDOM.scrollTop - block.top) / block.height;
  return view.state.doc.lineAt(block.from).number - 1 + part;
}

/** Scrolls so that a line is at the top. */
function scrollToLine(view: EditorView, line: number): void {
  const { doc } = view.state;
  const whole = Math.floor(Math.min(Math.max(line, 0), doc.lines - 1));
  const block = view.lineBlockAt(doc.line(whole + 1).from);
  view.scrollDOM.scrollTop = block.top + (line - whole) * block.height;
}

/** Lets panes scroll together; `anchors` is asked at each scroll. */
export function scrollTogether(
  panes: readonly EditorView[],
  anchors: () => readonly Anchors[]
): () => void {
  /** Editors that are being scrolled by the synchronization, not by the user. */
  const following = new Set<EditorView>();
  const listeners = panes.map((pane, at) => () => {
    if (following.delete(pane)) {
      return;
    }
    const known = anchors();
    const line = topLine(pane);
    panes.forEach((other, index) => {
      if (other !== pane) {
        const before = other.scrollDOM.scrollTop;
        scrollToLine(other, beside(line, known[at], known[index]));
        if (other.scrollDOM.scrollTop !== before) {
          following.add(other);
        }
      }
    });
  });
  panes.forEach((pane, at) =>
    pane.scrollDOM.addEventListener('scroll', listeners[at])
  );
  return () =>
    panes.forEach((pane, at) =>
      pane.scrollDOM.removeEventListener('scroll', listeners[at])
    );
}
