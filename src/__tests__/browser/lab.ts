import '@jupyterlab/application/style/index.css';
import '@jupyterlab/apputils/style/index.css';
import '@jupyterlab/codemirror/style/index.css';
import '@jupyterlab/docregistry/style/index.css';
import '@jupyterlab/notebook/style/index.css';
import '@jupyterlab/theme-light-extension/style/variables.css';

import { JupyterFrontEnd } from '@jupyterlab/application';
import {
  Dialog,
  IToolbarWidgetRegistry,
  MenuFactory,
  ToolbarWidgetRegistry,
  createDefaultFactory
} from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import {
  CodeMirrorEditorFactory,
  CodeMirrorMimeTypeService,
  EditorExtensionRegistry,
  EditorLanguageRegistry,
  EditorThemeRegistry
} from '@jupyterlab/codemirror';
import { DocumentManager, IDocumentManager } from '@jupyterlab/docmanager';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { createMarkdownParser } from '@jupyterlab/markedparser-extension';
import { NotebookPanel } from '@jupyterlab/notebook';
import {
  IRenderMimeRegistry,
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { ServiceManager } from '@jupyterlab/services';
import { ISettingRegistry, SettingRegistry } from '@jupyterlab/settingregistry';
import { DataConnector, IStateDB, StateDB } from '@jupyterlab/statedb';
import { RankedMenu } from '@jupyterlab/ui-components';
import type { IPlugin } from '@lumino/application';
import type { Token } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import { DockPanel, FocusTracker, type Widget } from '@lumino/widgets';

import '../../../style/index.css';
import './lab.css';
import canvasSchema from '../../../schema/settings/canvas.json';
import reportSchema from '../../../schema/settings/report.json';
import clientPlugins from '../../lab/clientPlugin';
import labPlugins from '../../lab/plugin';
import { CANVAS_FACTORY } from '../../lab/tokens';
import workflowPlugins from '../../workflow/plugin';
import type { WorkflowWidget } from '../../workflow/widget';
import type { RecordedServer } from './server';

const SCHEMAS: Record<string, object> = {
  'jupyter-mlws:canvas': canvasSchema,
  'jupyter-mlws:report': reportSchema
};

/** Settings as stored by JupyterLab's server. */
class SettingConnector extends DataConnector<ISettingRegistry.IPlugin, string> {
  async fetch(id: string): Promise<ISettingRegistry.IPlugin | undefined> {
    const schema = SCHEMAS[id];
    return (
      schema && {
        id,
        version: '1',
        raw: this._raw.get(id) ?? '{}',
        schema: structuredClone(schema) as ISettingRegistry.ISchema,
        data: { composite: {}, user: {} }
      }
    );
  }

  async save(id: string, raw: string): Promise<void> {
    this._raw.set(id, raw);
  }

  private _raw = new Map<string, string>();
}

/** A main area with tabs, and nothing around it. */
class Shell extends DockPanel implements JupyterFrontEnd.IShell {
  constructor() {
    super();
    this.id = 'main';
  }

  get currentWidget(): Widget | null {
    return this._tracker.currentWidget;
  }

  add(widget: Widget): void {
    this._tracker.add(widget);
    this.addWidget(widget);
  }

  activateById(id: string): void {
    for (const widget of this.widgets()) {
      if (widget.id === id) {
        this.activateWidget(widget);
      }
    }
  }

  private _tracker = new FocusTracker<Widget>();
}

/** JupyterLab's application with the plugins of the canvas, and a recorded server. */
export class Lab extends JupyterFrontEnd<Shell> {
  constructor(readonly server: RecordedServer) {
    super({
      shell: new Shell(),
      serviceManager: new ServiceManager({
        serverSettings: server.settings(),
        // Kernels, sessions and terminals are not polled.
        standby: () => true
      })
    });
    const { docRegistry, serviceManager, shell } = this;
    this.documents = new DocumentManager({
      registry: docRegistry,
      manager: serviceManager,
      opener: {
        open: widget => {
          widget.id ||= `document-${(this._opened += 1)}`;
          shell.add(widget);
          shell.activateById(widget.id);
        },
        opened: new Signal<never, never>({} as never)
      }
    });
    this.documents.autosave = false;
    this._provideServices();
    this.registerPlugins([...clientPlugins, ...labPlugins, ...workflowPlugins]);
    this._readSchema();
  }

  readonly name = 'Lab';
  readonly namespace = '';
  readonly version = '4';
  readonly documents: DocumentManager;
  /** The state that survives a reload of the page. */
  readonly state = new StateDB();

  /** Opens a workflow, and returns when the canvas has its text. */
  async open(path: string): Promise<WorkflowWidget> {
    const widget = this.documents.openOrReveal(path, CANVAS_FACTORY);
    await widget!.revealed;
    return widget as WorkflowWidget;
  }

  /** The document that has the focus. */
  get context(): DocumentRegistry.Context {
    return this.documents.contextForWidget(this.shell.currentWidget!)!;
  }

  dispose(): void {
    if (this.shell.isDisposed) {
      return;
    }
    for (const name of ['contextmenu', 'keydown', 'keyup']) {
      document.removeEventListener(name, this);
      document.removeEventListener(name, this, true);
    }
    window.removeEventListener('resize', this);
    Dialog.flush();
    for (const widget of [...this.shell.widgets()]) {
      widget.dispose();
    }
    this.shell.dispose();
    this.serviceManager.dispose();
  }

  private _provideServices(): void {
    const languages = new EditorLanguageRegistry();
    for (const language of EditorLanguageRegistry.getDefaultLanguages()) {
      languages.addLanguage(language);
    }
    const themes = new EditorThemeRegistry();
    for (const theme of EditorThemeRegistry.getDefaultThemes()) {
      themes.addTheme(theme);
    }
    const extensions = new EditorExtensionRegistry();
    for (const extension of EditorExtensionRegistry.getDefaultExtensions({
      themes
    })) {
      extensions.addExtension(extension);
    }
    const editors: IEditorServices = {
      factoryService: new CodeMirrorEditorFactory({ extensions, languages }),
      mimeTypeService: new CodeMirrorMimeTypeService(languages)
    };
    const provide = <T>(token: Token<T>, service: T): void => {
      const plugin: IPlugin<JupyterFrontEnd, T> = {
        id: token.name,
        provides: token,
        activate: () => service
      };
      this.registerPlugin(plugin);
    };
    provide(IDocumentManager, this.documents);
    provide(IEditorServices, editors);
    provide(
      IRenderMimeRegistry,
      new RenderMimeRegistry({
        initialFactories: standardRendererFactories,
        markdownParser: createMarkdownParser(languages)
      })
    );
    provide(
      IToolbarWidgetRegistry,
      new ToolbarWidgetRegistry({
        defaultFactory: createDefaultFactory(this.commands)
      })
    );
    provide(
      ISettingRegistry,
      new SettingRegistry({ connector: new SettingConnector() })
    );
    provide(IStateDB, this.state);
    provide(
      NotebookPanel.IContentFactory,
      new NotebookPanel.ContentFactory({
        editorFactory: editors.factoryService.newInlineEditor
      })
    );
  }

  /** Adds the keys and the context menu of the canvas, as JupyterLab's plugins do. */
  private _readSchema(): void {
    const { commands, contextMenu } = this;
    const schema = canvasSchema as unknown as ISettingRegistry.ISchema;
    for (const shortcut of schema['jupyter.lab.shortcuts'] ?? []) {
      commands.addKeyBinding(shortcut);
    }
    for (const item of schema['jupyter.lab.menus']?.context ?? []) {
      MenuFactory.addContextItem(
        item,
        contextMenu,
        options => new RankedMenu({ ...options, commands })
      );
    }
    commands.addCommand('docmanager:save', {
      execute: () => this.context.save()
    });
    commands.addKeyBinding({
      command: 'docmanager:save',
      keys: ['Accel S'],
      selector: 'body'
    });
  }

  private _opened = 0;
}
