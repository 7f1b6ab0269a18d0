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

/** The smallest and the largest size of each pane, in pixels. */
export const PANE_LIMITS: Record<PaneName, [number, number]> = {
  palette: [110, 480],
  panel: [180, 800],
  drawer: [100, 1200]
};

const DEFAULT: IPanesState = {
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

  pane(name: PaneName): IPane {
    return this._state.panes[name];
  }

  /** Takes what was kept. */
  restore(state: Partial<IPanesState> | undefined): void {
    this._state = {
      panes: { ...DEFAULT.panes, ...state?.panes },
      tab: state?.tab ?? DEFAULT.tab
    };
    this.changed.emit();
  }

  resize(name: PaneName, size: number): void {
    const [least, most] = PANE_LIMITS[name];
    const fitting = Math.round(Math.min(most, Math.max(least, size)));
    this._set(name, { size: fitting, isOpen: true });
  }

  setOpen(name: PaneName, isOpen: boolean): void {
    this._set(name, { ...this.pane(name), isOpen });
  }

  /** Opens the drawer at a tab. */
  showTab(tab: DrawerTab): void {
    this._state = { ...this._state, tab };
    this.setOpen('drawer', true);
  }

  private _set(name: PaneName, pane: IPane): void {
    const { panes } = this._state;
    this._state = { ...this._state, panes: { ...panes, [name]: pane } };
    this._keep(this._state);
    this.changed.emit();
  }

  private _state = DEFAULT;
}
