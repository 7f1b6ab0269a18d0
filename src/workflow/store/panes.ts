import { Signal } from '@lumino/signaling';

/** The tabs of the drawer below the drawing. */
export type DrawerTab = 'metrics' | 'preview' | 'log' | 'runs';

/** The panes around a drawing. */
export type PaneName = 'palette' | 'panel' | 'drawer';

/** The size of a pane in pixels, and whether it is open. */
export interface IPane {
  size: number;
  isOpen: boolean;
}

/** The panes as they are stored: their sizes, and the tab of the drawer. */
export interface IPanesState {
  panes: Record<PaneName, IPane>;
  tab: DrawerTab;
}

/** A row of the table of an output; it counts from 1. */
export interface IShownRow {
  node: string;
  port: string;
  row: number;
}

/** The smallest and the largest size of each pane, in pixels. */
export const PANE_LIMITS: Record<PaneName, [number, number]> = {
  palette: [110, 480],
  panel: [180, 800],
  drawer: [100, 1200]
};

/** Width of the drawing beside the panes, and minimum beside a pane open by default. */
const DRAWING_WIDTH = 320;
const MIN_DRAWING_WIDTH = 160;

const DEFAULT_STATE: IPanesState = {
  panes: {
    palette: { size: 170, isOpen: true },
    panel: { size: 280, isOpen: true },
    drawer: { size: 260, isOpen: false }
  },
  tab: 'metrics'
};

/** The sizes of the panes around a drawing, the same in all workflows. */
export class PanesStore {
  constructor(private _keep: (state: IPanesState) => void = () => undefined) {}

  readonly changed = new Signal<this, void>(this);

  get tab(): DrawerTab {
    return this._state.tab;
  }

  /** Returns the row at which the table of an output is to be shown, from 1; else null. */
  rowOf(node: string, port: string): number | null {
    const row = this._row;
    return row?.node === node && row.port === port ? row.row : null;
  }

  pane(name: PaneName): IPane {
    return this._state.panes[name];
  }

  /**
   * Returns the widths of the panes beside the drawing; 0 for a closed pane, or for lack of space
   * as beside a help page: the pane that was opened last has precedence, at first the settings.
   */
  widths(
    width: number,
    hasPalette: boolean
  ): Record<'palette' | 'panel', number> {
    const widthOf = (name: 'palette' | 'panel', share: number): number =>
      this.pane(name).isOpen
        ? Math.min(this.pane(name).size, Math.round(width * share))
        : 0;
    const palette = hasPalette ? widthOf('palette', 0.25) : 0;
    const panel = widthOf('panel', 0.45);
    const isRoomy = width - palette - panel >= DRAWING_WIDTH;
    if (isRoomy || palette + panel === 0) {
      return { palette, panel };
    }
    const isPalette = palette > 0 && (panel === 0 || this._last === 'palette');
    const name = isPalette ? 'palette' : 'panel';
    const least = PANE_LIMITS[name][0];
    const size = Math.max(
      least,
      Math.min(isPalette ? palette : panel, width - DRAWING_WIDTH)
    );
    const hasRoom = width - size >= MIN_DRAWING_WIDTH || this._last === name;
    return { palette: 0, panel: 0, [name]: hasRoom ? size : 0 };
  }

  restore(state: Partial<IPanesState> | undefined): void {
    this._state = {
      panes: { ...DEFAULT_STATE.panes, ...state?.panes },
      tab: state?.tab ?? DEFAULT_STATE.tab
    };
    this.changed.emit();
  }

  resize(name: PaneName, size: number): void {
    const [least, most] = PANE_LIMITS[name];
    const fitting = Math.round(Math.min(most, Math.max(least, size)));
    this._set(name, { size: fitting, isOpen: true });
  }

  setOpen(name: PaneName, isOpen: boolean): void {
    if (isOpen) {
      this._last = name;
    }
    this._set(name, { ...this.pane(name), isOpen });
  }

  /** Opens the drawer at a tab, and the preview at a row of a table. */
  showTab(tab: DrawerTab, row: IShownRow | null = null): void {
    this._row = row;
    this._state = { ...this._state, tab };
    this.setOpen('drawer', true);
  }

  private _set(name: PaneName, pane: IPane): void {
    const { panes } = this._state;
    this._state = { ...this._state, panes: { ...panes, [name]: pane } };
    this._keep(this._state);
    this.changed.emit();
  }

  private _state = DEFAULT_STATE;
  private _row: IShownRow | null = null;
  /** The pane that was opened last. */
  private _last: PaneName | null = null;
}
