import {
  createToolbarFactory,
  setToolbar,
  type IToolbarWidgetRegistry,
  type MainAreaWidget
} from '@jupyterlab/apputils';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { ITranslator } from '@jupyterlab/translation';
import {
  ReactWidget,
  ToolbarButtonComponent,
  UseSignal
} from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

import type { ViewActions } from '../ui/viewActions';

/** A view whose actions are in the toolbar of its tab. */
export interface IActingView extends Widget {
  readonly actions: ViewActions;
}

/**
 * Toolbars of views.
 *
 * The settings of a plugin (`jupyter.lab.toolbars` in its schema) choose and order the items.
 */
export class ViewToolbars {
  constructor(
    private _registry: IToolbarWidgetRegistry,
    private _settings: ISettingRegistry,
    private _translator: ITranslator
  ) {}

  /** Registers a toolbar with the names of its items; the settings of a plugin describe it. */
  add(name: string, plugin: string, items: readonly string[]): void {
    for (const item of items) {
      this._registry.addFactory<MainAreaWidget<IActingView>>(
        name,
        item,
        ({ content }) => createButton(content.actions, item)
      );
    }
    const factory = createToolbarFactory(
      this._registry,
      this._settings,
      name,
      plugin,
      this._translator
    );
    this._factories.set(name, factory);
  }

  /** Fills the toolbar of a tab. */
  fill(name: string, tab: MainAreaWidget): void {
    const factory = this._factories.get(name);
    if (factory) {
      setToolbar(tab, factory);
      tab.toolbar.show();
    }
  }

  private _factories = new Map<
    string,
    ReturnType<typeof createToolbarFactory>
  >();
}

function createButton(actions: ViewActions, name: string): Widget {
  const button = ReactWidget.create(
    <UseSignal signal={actions.changed}>
      {() => {
        const action = actions.get(name);
        return (
          action && (
            <ToolbarButtonComponent
              label={action.label}
              tooltip={action.tooltip}
              className={action.className}
              enabled={action.isEnabled ?? true}
              onClick={action.execute}
            />
          )
        );
      }}
    </UseSignal>
  );
  button.addClass('jp-ToolbarButton');
  return button;
}
