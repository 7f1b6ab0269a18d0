import type { JupyterFrontEnd } from '@jupyterlab/application';
import {
  LabIcon,
  refreshIcon,
  SidePanel,
  Toolbar,
  ToolbarButton
} from '@jupyterlab/ui-components';
import { MessageLoop, type Message } from '@lumino/messaging';
import { ISignal, Signal } from '@lumino/signaling';
import {
  AccordionLayout,
  AccordionPanel,
  PanelLayout,
  Widget
} from '@lumino/widgets';

import type { MLWSClient } from '../api/client';
import type { IMLWSSidebar, ISection, PanelName } from '../lab/tokens';
import { trans, translator } from '../ui/locale';
import type { ServerView } from '../ui/server';
import { sectionSizes, MIN_HEIGHT } from './sectionSizes';

/** User's layout of the sections, by the ids of their views. */
export interface ISidebarLayout {
  /** Pixels of resized sections. */
  sizes: Record<string, number>;
  folded: Record<string, boolean>;
}

/** Default share of the height. */
const DEFAULT_SIZE = 5;

/** The fixed parts of a panel. */
interface IPanelParts {
  id: string;
  label: string;
  icon: LabIcon;
  /** Above the sections. */
  bar: ServerView;
  /** In the place of the sections without a project. */
  welcome: Widget;
  /** Checks for a project. */
  look: () => Promise<void>;
}

/** A panel of the left area: collapsible sections, or its welcome without a project. */
export class SectionsPanel extends SidePanel {
  constructor(
    private _client: MLWSClient,
    private _parts: IPanelParts
  ) {
    super({ translator });
    const { bar, welcome } = _parts;
    this.id = _parts.id;
    this.addClass('jp-mlws-Sidebar');
    this.title.icon = _parts.icon;
    this.title.caption = _parts.label;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
    const layout = this.layout as PanelLayout;
    layout.insertWidget(0, bar);
    layout.insertWidget(1, welcome);
    const content = this.content as AccordionPanel;
    content.expansionToggled.connect(this._makeRoom, this);
    content.handleMoved.connect(this._keepSizes, this);
    _client.projectChanged.connect(this._onProject, this);
    this._onProject();
    // No message reports these: React renders the bar.
    this._sizeWatch.observe(bar.node);
    this._sizeWatch.observe(content.node);
  }

  /** Adds a section, and takes ownership of it. */
  addSection(section: ISection): void {
    const rank = section.rank ?? Infinity;
    const next = this._sections.findIndex(one => (one.rank ?? Infinity) > rank);
    const at = next < 0 ? this._sections.length : next;
    this._sections.splice(at, 0, section);
    withRefresh(section.view);
    this._place();
  }

  /** Restores the user's layout of the sections, also of sections added later. */
  restoreLayout(layout: ISidebarLayout): void {
    this._sidebarLayout = layout;
    this._placed.forEach(section => this._fold(section));
    this._share();
  }

  /** Emitted when the user collapses, expands or resizes sections. */
  get layoutChanged(): ISignal<this, ISidebarLayout> {
    return this._layoutChanged;
  }

  /** Adds a starting view below the welcome; the panel takes ownership of it. */
  addBeginning(view: ServerView): void {
    this._beginnings.push(view);
    (this.layout as PanelLayout).insertWidget(2, view);
    this._onProject();
  }

  async refresh(): Promise<void> {
    await this._parts.look();
    await Promise.all(this._placed.map(({ view }) => view.refresh()));
  }

  /** Unfolds a section. */
  expand(view: Widget): void {
    const content = this.content as AccordionPanel;
    content.expand(content.widgets.indexOf(view));
  }

  dispose(): void {
    // Those in the panel are disposed of with it.
    this._sections.forEach(({ view }) => view.parent ?? view.dispose());
    this._sizeWatch.disconnect();
    Signal.clearData(this);
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._setActive(this.isVisible);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._setActive(true);
    if (!this._client.project) {
      void this._parts.look();
    }
  }

  protected onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._setActive(false);
  }

  /** Shares the height among the sections that are unfolded. */
  private _share(): void {
    const content = this.content as AccordionPanel;
    const height = content.titles.reduce(
      (rest, title) => rest - title.offsetHeight,
      content.node.clientHeight
    );
    const sections = this._placed.map(({ size, room, view }) => ({
      share: size ?? DEFAULT_SIZE,
      room: room ?? 0,
      chosen: this._sidebarLayout.sizes[view.id] as number | undefined,
      view
    }));
    const open = sections.filter(({ view }) => !view.isHidden);
    const sizes = sectionSizes(open, height);
    content.setRelativeSizes(
      sections.map(one => (one.view.isHidden ? 0 : sizes.shift()!))
    );
  }

  private _fold({ view, folded = false }: ISection): void {
    const content = this.content as AccordionPanel;
    const index = content.widgets.indexOf(view);
    this._isRestoring = true;
    if (this._sidebarLayout.folded[view.id] ?? folded) {
      content.collapse(index);
    } else {
      content.expand(index);
    }
    this._isRestoring = false;
  }

  private _keepSizes(content: AccordionPanel): void {
    const sizes = (content.layout as AccordionLayout).absoluteSizes();
    this._placed.forEach(({ view }, index) => {
      if (!view.isHidden) {
        this._sidebarLayout.sizes[view.id] = Math.round(sizes[index]);
      }
    });
    this._layoutChanged.emit(this._sidebarLayout);
  }

  private _setActive(active: boolean): void {
    this._isActive = active;
    this._parts.bar.active = active;
    for (const { view, lazy } of this._sections) {
      view.active = active && view.parent !== null && !(lazy && view.isHidden);
    }
    for (const view of this._beginnings) {
      view.active = active && this._client.project === null;
    }
  }

  /** A section that was collapsed before it had a size gets a size when it is expanded. */
  private _makeRoom(content: AccordionPanel, index: number): void {
    const layout = content.layout as AccordionLayout;
    const view = content.widgets[index];
    if (!view.isHidden && layout.absoluteSizes()[index] < MIN_HEIGHT) {
      this._share();
    }
    if (!this._isRestoring) {
      this._sidebarLayout.folded[view.id] = view.isHidden;
      this._layoutChanged.emit(this._sidebarLayout);
    }
    this._setActive(this._isActive);
  }

  private _onProject(): void {
    const ready = this._client.isReady;
    // A different project can be selected while the present one is not trusted.
    this._parts.bar.setHidden(this._client.project === null);
    this._place();
    this._parts.welcome.setHidden(ready);
    for (const view of this._beginnings) {
      view.setHidden(this._client.project !== null);
    }
  }

  /** The sections in the panel: without a trusted project, those of the server. */
  private get _placed(): ISection[] {
    return this._sections.filter(({ view }) => view.parent !== null);
  }

  /** Adds the sections that can be shown to the panel, and takes out the others. */
  private _place(): void {
    const ready = this._client.isReady;
    const shown = this._sections.filter(({ ofServer }) => ready || ofServer);
    const placed = this._placed;
    if (
      shown.length !== placed.length ||
      shown.some((one, index) => one !== placed[index])
    ) {
      // In the order of the page, which is that of the Tab key, too.
      placed.forEach(({ view }) => (view.parent = null));
      for (const section of shown) {
        this.addWidget(section.view);
        this._fold(section);
      }
    }
    this.content.setHidden(shown.length === 0);
    if (shown.length > 0) {
      // The theme sets the titles' height.
      this._sizeWatch.observe((this.content as AccordionPanel).titles[0]);
    }
    this._share();
    this._setActive(this._isActive);
  }

  /** The sections have the height that the bar leaves. */
  private _fit(): void {
    MessageLoop.sendMessage(this.content, Widget.ResizeMessage.UnknownSize);
    if (this.content.node.clientHeight > 0) {
      this._share();
    }
  }

  private _sizeWatch = new ResizeObserver(() => this._fit());
  private _sidebarLayout: ISidebarLayout = { sizes: {}, folded: {} };
  private _layoutChanged = new Signal<this, ISidebarLayout>(this);
  private _isRestoring = false;
  private _sections: ISection[] = [];
  private _beginnings: ServerView[] = [];
  private _isActive = false;
}

/** The panels of the left area. */
export class Sidebar implements IMLWSSidebar {
  constructor(
    private _app: JupyterFrontEnd,
    readonly panels: Readonly<Record<PanelName, SectionsPanel>>
  ) {}

  addSection(section: ISection): void {
    this.panels[section.panel].addSection(section);
  }

  addBeginning(view: ServerView): void {
    this.panels.code.addBeginning(view);
  }

  async show(view: Widget): Promise<void> {
    const { code, workspace } = this.panels;
    const isCode = (code.content as AccordionPanel).widgets.includes(view);
    await this.activate(isCode ? 'code' : 'workspace');
    (isCode ? code : workspace).expand(view);
  }

  /** Shows a panel; before the layout is restored, that would be undone at once. */
  async activate(name: PanelName): Promise<void> {
    await this._app.restored;
    this._app.shell.activateById(this.panels[name].id);
  }

  async refresh(): Promise<void> {
    const { code, workspace } = this.panels;
    await Promise.all([code.refresh(), workspace.refresh()]);
  }
}

function withRefresh(view: ServerView): Toolbar.IWidgetToolbar {
  const toolbar = new Toolbar();
  toolbar.addItem(
    'refresh',
    new ToolbarButton({
      icon: refreshIcon,
      tooltip: trans.__('Refresh'),
      onClick: () => void view.refresh()
    })
  );
  return Object.assign(view, { toolbar });
}
