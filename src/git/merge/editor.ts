import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import {
  EditorState,
  type Extension,
  type Range,
  StateEffect,
  Text
} from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  EditorView,
  keymap,
  lineNumbers,
  WidgetType
} from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';
import type { IDisposable } from '@lumino/disposable';

import type { Side, SideChoice } from '../../api/models';
import { regions, regionsOf, take } from './regions';
import { beginning, type IRegion, isConflict, openConflicts } from './result';
import { scrollTogether } from './scrolling';
import { compareThree, type IPiece, type Sides } from './threeWay';

/** Parent elements of the panes. */
type Hosts = Record<Side | 'result', HTMLElement>;

/** Translated texts of the panes. */
export interface IEditorTexts {
  /** Names of the panes. */
  labels: Record<Side | 'result', string>;
  /** The title of a conflict's bar; `number` counts from 1. */
  title(number: number, region: IRegion): string;
  choices: Record<SideChoice, string>;
}

const CHOICES: readonly SideChoice[] = ['ours', 'theirs', 'both', 'base'];
const SIDES: readonly Side[] = ['ours', 'base', 'theirs'];

/** The bar above a conflict in the result. */
class Bar extends WidgetType {
  constructor(
    private _region: IRegion,
    private _number: number,
    private _texts: IEditorTexts,
    private _take: (id: number, choice: SideChoice) => void
  ) {
    super();
  }

  eq(other: Bar): boolean {
    const { id, choice } = this._region;
    return id === other._region.id && choice === other._region.choice;
  }

  toDOM(): HTMLElement {
    const { id, choice } = this._region;
    const bar = document.createElement('div');
    bar.className = `jp-mlws-Merge-bar jp-mod-${choice === null ? 'open' : 'settled'}`;
    bar.dataset.mlwsRegion = String(id);
    const title = document.createElement('span');
    title.textContent = this._texts.title(this._number, this._region);
    bar.append(title);
    for (const side of CHOICES) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = this._texts.choices[side];
      button.dataset.mlwsTake = side;
      button.setAttribute('aria-pressed', String(choice === side));
      button.onclick = () => this._take(id, side);
      bar.append(button);
    }
    return bar;
  }

  ignoreEvent(): boolean {
    return true;
  }
}

/** Editor of a merge: three read-only versions, and the result; scrolled together. */
export class ThreeWayEditor implements IDisposable {
  /** `changed` is called after every change of the result. */
  constructor(
    hosts: Hosts,
    private _sides: Sides,
    hasBase: boolean,
    private _texts: IEditorTexts,
    private _changed: () => void
  ) {
    const pieces = compareThree(_sides, hasBase);
    const { text, regions: first } = beginning(_sides, pieces);
    this._numbers = new Map(
      first.filter(isConflict).map((region, at) => [region.id, at + 1])
    );
    this._panes = SIDES.map(side => this._pane(hosts[side], side, pieces));
    this._result = new EditorView({
      parent: hosts.result,
      doc: text,
      extensions: [
        this._common(_texts.labels.result),
        history(),
        keymap.of([...historyKeymap, ...defaultKeymap]),
        regionsOf(first, region => this._bar(region)),
        EditorView.updateListener.of(update => {
          if (update.docChanged || update.transactions.length > 0) {
            this._changed();
          }
        })
      ]
    });
    this._stop = scrollTogether([...this._panes, this._result], () =>
      this._anchors(pieces)
    );
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._stop();
      [...this._panes, this._result].forEach(view => view.destroy());
    }
  }

  /** The merged text; its lines end with a line feed. */
  get text(): string {
    return this._result.state.doc.toString();
  }

  get conflicts(): readonly IRegion[] {
    return this._result.state.field(regions).filter(isConflict);
  }

  get open(): number {
    return openConflicts(this.conflicts);
  }

  /** Index of the current conflict, from 0. */
  get current(): number {
    return this._current;
  }

  /** Settles conflicts by a side; without `ids` all that are open. */
  take(choice: SideChoice, ids?: readonly number[]): void {
    const open = this.conflicts
      .filter(region => region.choice === null)
      .map(region => region.id);
    take(this._result, this._sides, ids ?? open, choice);
  }

  /** Shows a conflict in all panes; `at` counts from 0. */
  goTo(at: number): void {
    const { conflicts } = this;
    const region = conflicts[at];
    if (!region) {
      return;
    }
    this._current = at;
    const middle = (view: EditorView, offset: number) =>
      view.dispatch({
        effects: EditorView.scrollIntoView(offset, { y: 'center' })
      });
    SIDES.forEach((side, index) => {
      const view = this._panes[index];
      const { doc } = view.state;
      const line = Math.min(region.piece[side].start + 1, doc.lines);
      middle(view, doc.line(line).from);
    });
    this._result.dispatch({ selection: { anchor: region.from } });
    middle(this._result, region.from);
    this._result.focus();
    this._changed();
  }

  /** Adds the highlighting of a language, once it is loaded. */
  setLanguage(language: Extension): void {
    for (const view of [...this._panes, this._result]) {
      view.dispatch({ effects: StateEffect.appendConfig.of(language) });
    }
  }

  private _common(label: string): Extension {
    return [
      lineNumbers(),
      jupyterTheme,
      EditorView.contentAttributes.of({ 'aria-label': label })
    ];
  }

  private _pane(
    host: HTMLElement,
    side: Side,
    pieces: readonly IPiece[]
  ): EditorView {
    const doc = Text.of(this._sides[side].join('').split('\n'));
    const state = EditorState.create({
      doc,
      extensions: [
        this._common(this._texts.labels[side]),
        EditorState.readOnly.of(true),
        keymap.of(defaultKeymap),
        EditorView.decorations.of(marksOf(doc, side, pieces))
      ]
    });
    return new EditorView({ parent: host, state });
  }

  private _bar(region: IRegion): Decoration {
    const number = this._numbers.get(region.id) ?? 0;
    const widget = new Bar(region, number, this._texts, (id, choice) => {
      this.take(choice, [id]);
      this._result.focus();
    });
    return Decoration.widget({ widget, block: true, side: -1 });
  }

  private _anchors(pieces: readonly IPiece[]): number[][] {
    const { doc } = this._result.state;
    const result = this._result.state
      .field(regions)
      .flatMap(({ from, to }) => [from, to])
      .map(offset => doc.lineAt(offset).number - 1);
    const own = SIDES.map(side =>
      pieces.flatMap(piece => [piece[side].start, piece[side].end])
    );
    return [...own, result];
  }

  private _panes: readonly EditorView[];
  private _result: EditorView;
  private _numbers: Map<number, number>;
  private _current = -1;
  private _stop: () => void;
  private _isDisposed = false;
}

/** Highlighting of the regions where a version differs. */
function marksOf(
  doc: Text,
  side: Side,
  pieces: readonly IPiece[]
): DecorationSet {
  const marks: Range<Decoration>[] = [];
  for (const piece of pieces) {
    const changed = piece.kind === 'conflict' ? 'open' : 'changed';
    const line = Decoration.line({
      class: `jp-mlws-Merge-line jp-mod-${changed}`
    });
    for (let at = piece[side].start; at < piece[side].end; at += 1) {
      marks.push(line.range(doc.line(at + 1).from));
    }
  }
  return Decoration.set(marks);
}
