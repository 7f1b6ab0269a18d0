import {
  refreshIcon,
  SidePanel,
  Toolbar,
  ToolbarButton
} from '@jupyterlab/ui-components';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import {
  AccordionLayout,
  AccordionPanel,
  PanelLayout,
  Widget
} from '@lumino/widgets';

import type { MLWSClient } from '../api';
import type { LiveModel } from '../live';
import { mlwsIcon } from './icons';
import type { ProjectBar } from './projectBar';
import type { Welcome } from './welcome';

/** A view and the model it shows. */
export interface ISection {
  view: Widget;
  model: LiveModel;
  /** Whether it is folded at first. */
  folded?: boolean;
}

/** Pixels that show something of a section. */
const SMALLEST = 48;
/** Shares of the height, section by section. */
const SIZES = [5, 5, 3, 2, 3, 4];

/** The one icon of MLWS in the left area: sections that fold, or the welcome without a project. */
export class MLWSSidebar extends SidePanel {
  constructor(
    private _client: MLWSClient,
    private _bar: ProjectBar,
    private _welcome: Welcome,
    sections: readonly ISection[],
    translator: ITranslator
  ) {
    super({ translator });
    const trans = translator.load('jupyter_mlws');
    this._words = trans;
    this.id = 'jp-mlws-sidebar';
    this.addClass('jp-mlws-Sidebar');
    this.title.icon = mlwsIcon;
    this.title.caption = trans.__('Versions and workflows');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
    const layout = this.layout as PanelLayout;
    layout.insertWidget(0, _bar);
    layout.insertWidget(1, _welcome);
    (this.content as AccordionPanel).expansionToggled.connect(
      this._makeRoom,
      this
    );
    sections.forEach(section => this.addSection(section));
    _client.projectChanged.connect(this._onProject, this);
    this._onProject();
  }

  /** Adds a section at the end; it is the panel's from now on. */
  addSection(section: ISection): void {
    this._sections.push(section);
    this.addWidget(withRefresh(section, this._words));
    // The commit box and the history need more room than lists of a few lines.
    (this.content as AccordionPanel).setRelativeSizes(
      SIZES.slice(0, this._sections.length)
    );
    if (section.folded) {
      (this.content as AccordionPanel).collapse(this._sections.length - 1);
    }
    section.model.active = this._isActive;
  }

  /** Reads everything anew. */
  async refresh(): Promise<void> {
    await this._welcome.look();
    await Promise.all(this._sections.map(section => section.model.refresh()));
  }

  /** Unfolds a section. */
  expand(view: Widget): void {
    const content = this.content as AccordionPanel;
    content.expand(content.widgets.indexOf(view));
  }

  dispose(): void {
    for (const section of this._sections) {
      section.model.dispose();
    }
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
      void this._welcome.look();
    }
  }

  protected onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._setActive(false);
  }

  private _setActive(active: boolean): void {
    this._isActive = active;
    for (const section of this._sections) {
      section.model.active = active;
    }
  }

  /** A section that was folded before it had a size gets one when it is unfolded. */
  private _makeRoom(content: AccordionPanel, index: number): void {
    const layout = content.layout as AccordionLayout;
    const unfolded = !content.widgets[index].isHidden;
    if (unfolded && layout.absoluteSizes()[index] < SMALLEST) {
      content.setRelativeSizes(SIZES.slice(0, this._sections.length));
    }
  }

  private _onProject(): void {
    const known = this._client.project !== null;
    this._bar.setHidden(!known);
    this.content.setHidden(!known);
    this._welcome.setHidden(known);
  }

  private _sections: ISection[] = [];
  private _words: TranslationBundle;
  private _isActive = false;
}

function withRefresh(
  section: ISection,
  trans: TranslationBundle
): Toolbar.IWidgetToolbar {
  const toolbar = new Toolbar();
  toolbar.addItem(
    'refresh',
    new ToolbarButton({
      icon: refreshIcon,
      tooltip: trans.__('Refresh'),
      onClick: () => void section.model.refresh()
    })
  );
  return Object.assign(section.view, { toolbar });
}
