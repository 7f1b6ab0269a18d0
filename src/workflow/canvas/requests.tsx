import { useEffect } from 'react';

import type { IComponent, IDataset } from '../../api/models';
import { componentIcon, dataIcon as sourceIcon } from '../../ui/fileIcons';
import { trans } from '../../ui/locale';
import {
  fileIcon,
  notebookIcon,
  terminalIcon
} from '@jupyterlab/ui-components';

import { sourceId, sourcePath } from '../document/notes';
import {
  fittingComponents,
  modelKindOf,
  possibleLinks,
  readingComponents,
  presetOf,
  searchText
} from '../graph/choices';
import { fits, refusalOf } from '../graph/connections';
import type { XYPosition } from '../graph/geometry';
import {
  type IEnd,
  type ILink,
  linkBetween,
  SOURCE_PORT
} from '../graph/graph';
import { Chooser, type IChoice } from './chooser';
import { useReply } from '../replies';
import { useCanvas } from '../context';
import { useCatalog } from '../hooks';
import { noteIcon } from '../icons';
import {
  componentIconOf,
  operationIcon,
  subworkflowIcon
} from '../operationIcons';
import { portText } from '../labels';
import * as gestures from '../store/gestures';
import {
  insertSubworkflow,
  type IReusable,
  readWorkflow,
  reusable
} from '../store/subworkflows';

/** More workflows are found by the dialog for files. */
const MAX_REUSABLE = 20;

/** Request to choose a new node, an existing node, or a connection. */
export type IRequest = { at: { x: number; y: number } } & (
  | { kind: 'add'; place: XYPosition; from?: IEnd; file?: string }
  | { kind: 'connect'; node: string; place: XYPosition }
  | { kind: 'reuse'; place: XYPosition }
  | { kind: 'find' }
);

/** The list for a request; applies the choice. */
export function RequestChooser(props: {
  request: IRequest;
  onShow: (node: string) => void;
  onNext: (request: IRequest) => void;
  onClose: () => void;
}): JSX.Element {
  const { request } = props;
  const choices = useChoices(request, props.onShow, props.onNext);
  const label =
    request.kind === 'find'
      ? trans.__('Find node')
      : request.kind === 'reuse'
        ? trans.__('Insert sub-workflow')
        : request.kind === 'connect'
          ? trans.__('Connect “%1” to…', request.node)
          : request.file
            ? trans.__('Open %1 with…', request.file)
            : request.from
              ? trans.__('Add or connect a node…')
              : trans.__('Add node');
  const empty =
    request.kind === 'find'
      ? trans.__('No matching nodes.')
      : request.kind === 'connect'
        ? trans.__('No matching connections.')
        : trans.__('No matching components.');
  return (
    <Chooser
      label={label}
      at={request.at}
      choices={choices}
      empty={empty}
      onClose={props.onClose}
    />
  );
}

function useChoices(
  request: IRequest,
  onShow: (node: string) => void,
  onNext: (request: IRequest) => void
): IChoice[] {
  const { model, openSource, chooseFile } = useCanvas();
  const { datasets, models } = useCatalog();
  const isAdding = request.kind === 'add';
  useEffect(() => {
    if (isAdding) {
      void model.catalog.loadModels();
    }
  }, [model, isAdding]);
  const source =
    isAdding && request.from?.side === 'source' ? request.from.node : null;
  const tables = useReply(
    source === null
      ? null
      : service => service.columns.read(model.document.text, source),
    [source]
  );
  const [table] = Object.values(tables.data?.inputs ?? {}).flat();
  const modelKind = table ? modelKindOf(table) : null;
  const workflows = useReusable(request.kind === 'reuse');
  const nodes = [...model.drawing.graph.nodes.values()];
  const components = [...model.catalog.components.values()];
  if (request.kind === 'find') {
    return nodes.map(node => ({
      key: node.id,
      label: node.title,
      detail: node.component?.title ?? '',
      words: node.stage.commands.join(' '),
      icon: operationIcon(node),
      choose: () => onShow(node.id)
    }));
  }
  if (request.kind === 'connect') {
    const { node, place } = request;
    return [
      ...linkChoices(node, null),
      ...(model.drawing.graph.nodes.get(node)?.outputs ?? []).flatMap(port =>
        newChoices({ side: 'source', node, port: port.name }, place)
      )
    ];
  }
  if (request.kind === 'reuse') {
    const { place } = request;
    const insert = async (path: string | null): Promise<void> => {
      if (path !== null && path !== model.document.workflow.path) {
        const { sharedModel } = await openSource(path);
        const text = sharedModel.getSource();
        insertSubworkflow(model, readWorkflow(text, path), place);
      }
    };
    const report = (reason: Error): void => model.server.failed.emit(reason);
    return [
      ...workflows.map(({ path, title, inputs, outputs }): IChoice => ({
        key: path,
        label: title,
        detail: `${inputs.join(', ')} → ${outputs.join(', ')}`,
        words: path,
        icon: subworkflowIcon,
        choose: () => void insert(path).catch(report)
      })),
      {
        key: ':file',
        label: trans.__('Choose a File…'),
        icon: fileIcon,
        choose: () =>
          void chooseFile(/^dvc\.yaml$/)
            .then(insert)
            .catch(report)
      }
    ];
  }
  const { from, file, place } = request;
  const addFile = (pattern: RegExp) => () =>
    void chooseFile(pattern).then(
      path => path && gestures.addFiles(model, [path], place)
    );
  if (file !== undefined) {
    return readingComponents(components, file).map(({ component, port }) =>
      componentChoice(component, place, { port, file })
    );
  }
  if (from) {
    return [
      ...newChoices(from, place),
      ...linkChoices(from.node, from),
      ...(from.side === 'target' ? sourceChoices(from, place) : [])
    ];
  }
  return [
    ...components
      .filter(one => !one.error)
      .map(one => componentChoice(one, place)),
    ...[...datasets.values()].filter(isInput).map(({ path }): IChoice => ({
      key: sourceId(path),
      label: path,
      detail: trans.__('Dataset'),
      icon: sourceIcon,
      choose: () => gestures.addFiles(model, [path], place)
    })),
    ...modelChoices((name, version) =>
      gestures.addModel(model, name, version, place)
    ),
    {
      key: ':data',
      label: trans.__('Data file…'),
      detail: trans.__('Input file for nodes'),
      icon: sourceIcon,
      choose: addFile(/^[^.].*\.(?!ipynb$|py$)\w+$/i)
    },
    {
      key: ':notebook',
      label: trans.__('Notebook…'),
      detail: trans.__('Runs a notebook'),
      icon: notebookIcon,
      choose: addFile(/\.ipynb$/i)
    },
    {
      key: ':subworkflow',
      label: trans.__('Sub-workflow…'),
      detail: trans.__('Inserts the nodes of another workflow'),
      icon: subworkflowIcon,
      choose: () => onNext({ kind: 'reuse', at: request.at, place })
    },
    {
      key: ':script',
      label: trans.__('Script…'),
      detail: trans.__('Runs a Python, R, Julia or shell script'),
      icon: fileIcon,
      choose: addFile(/\.(py|r|jl|js|sh)$/i)
    },
    {
      key: ':shell',
      label: trans.__('Shell command'),
      detail: trans.__('Runs a shell command'),
      icon: terminalIcon,
      choose: () => void gestures.addShell(model, place)
    },
    {
      key: ':note',
      label: trans.__('Note'),
      detail: trans.__('Text on the canvas'),
      icon: noteIcon,
      choose: () => gestures.addNote(model, trans.__('Note'), place)
    }
  ];

  function newChoices(end: IEnd, at: XYPosition): IChoice[] {
    const { graph } = model.drawing;
    return fittingComponents(graph, components, end, modelKind).map(
      ({ component, port }) => ({
        ...componentChoice(component, at, { port, end }),
        key: `${end.port}>${component.name}`,
        detail:
          end.side === 'source'
            ? `${portText(end.port)} → ${port}`
            : `${port} → ${portText(end.port)}`
      })
    );
  }

  function componentChoice(
    component: IComponent,
    at: XYPosition,
    link?: Parameters<typeof gestures.addComponent>[3]
  ): IChoice {
    const { name, title, category, group = '' } = component;
    return {
      key: name,
      label: title,
      detail: category,
      words: searchText(component),
      icon: componentIconOf(name, group),
      choose: query => {
        const preset = presetOf(component, query);
        gestures.addComponent(model, name, at, link, preset);
      }
    };
  }

  /** Data, and registered models, that an input may read. */
  function sourceChoices(end: IEnd, at: XYPosition): IChoice[] {
    const input = model.drawing.graph.nodes
      .get(end.node)
      ?.inputs.find(port => port.name === end.port);
    const paths = new Set([
      ...[...datasets.values()].filter(isInput).map(one => one.path),
      ...model.drawing.sources.map(source => source.path)
    ]);
    const links = [...paths]
      .map(path => linkBetween(end, sourceId(path), SOURCE_PORT))
      .filter(link => !refusalOf(model.drawing.graph, link));
    const isModel =
      fits('Model', input?.type ?? null) && input?.type !== 'File';
    return [
      ...links.map((link): IChoice => ({
        key: link.source,
        label: sourcePath(link.source)!,
        detail: trans.__('Data'),
        icon: sourceIcon,
        choose: () => gestures.connect(model, link)
      })),
      ...(isModel
        ? modelChoices((name, version) =>
            gestures.addModel(model, name, version, at, {
              port: 'model',
              end
            })
          )
        : [])
    ];
  }

  function modelChoices(
    choose: (name: string, version: number) => void
  ): IChoice[] {
    return models.flatMap(({ name, newest, aliases }) => {
      const versions = new Map(
        Object.entries(aliases).map(([alias, version]) => [version, alias])
      );
      if (newest && !versions.has(newest.version)) {
        versions.set(newest.version, '');
      }
      return [...versions].map(([version, alias]): IChoice => ({
        key: `model:${name}/${version}`,
        label: alias ? `${name} ${version} (${alias})` : `${name} ${version}`,
        detail: trans.__('Registered model'),
        icon: componentIcon,
        choose: () => choose(name, version)
      }));
    });
  }

  function linkChoices(node: string, end: IEnd | null): IChoice[] {
    const links = possibleLinks(model.drawing.graph, node, end);
    // Ports of the same name are most likely meant.
    links.sort(
      (one, other) => Number(isNamesake(other)) - Number(isNamesake(one))
    );
    return links.map(link => {
      const isOut = link.source === node;
      const other = model.drawing.graph.nodes.get(
        isOut ? link.target : link.source
      )!;
      const from = portText(link.sourcePort);
      const to = portText(link.targetPort);
      return {
        key: `${link.source}:${link.sourcePort}>${link.target}:${link.targetPort}`,
        label: other.title,
        detail: isOut ? `${from} → ${to}` : `${to} ← ${from}`,
        icon: operationIcon(other),
        choose: () => gestures.connect(model, link)
      };
    });
  }
}

/** The project's workflows with their ports, once they have been read. */
function useReusable(isAsked: boolean): readonly IReusable[] {
  const { model, openSource } = useCanvas();
  const { data } = useReply(
    isAsked
      ? async service => {
          const all = await service.workflows();
          const others = all.filter(
            ({ path, error, node_count: count }) =>
              path !== service.path && !error && count > 0
          );
          return Promise.all(
            others.slice(0, MAX_REUSABLE).map(async ({ path }) => {
              const { sharedModel } = await openSource(path);
              const source = readWorkflow(sharedModel.getSource(), path);
              return reusable(source, model.catalog.components);
            })
          );
        }
      : null,
    [isAsked]
  );
  return data ?? [];
}

/** Tests whether to offer data as an input: outputs of workflows are not. */
function isInput({ output }: IDataset): boolean {
  return !output;
}

function isNamesake({ sourcePort, targetPort }: ILink): boolean {
  return sourcePort === targetPort;
}
