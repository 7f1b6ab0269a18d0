import {
  fileIcon,
  notebookIcon,
  terminalIcon
} from '@jupyterlab/ui-components';

import {
  fittingComponents,
  possibleLinks,
  readingComponents,
  type IEnd,
  type ILink
} from './choices';
import { Chooser, type IChoice } from './chooser';
import { useCanvas } from './hooks';
import { componentIcon, KIND_ICONS, noteIcon } from './icons';
import type { IPlace } from './sizes';
import { portText } from './words';

/** What is to be chosen: a new node, one that is there, or a connection. */
export type IRequest = { at: { x: number; y: number } } & (
  | { kind: 'add'; place: IPlace; from?: IEnd; file?: string }
  | { kind: 'connect'; node: string; place: IPlace }
  | { kind: 'find' }
);

/** The list for a request, which does what is chosen. */
export function RequestChooser(props: {
  request: IRequest;
  onShow: (node: string) => void;
  onClose: () => void;
}): JSX.Element {
  const { trans } = useCanvas();
  const { request } = props;
  const choices = useChoices(request, props.onShow);
  const label =
    request.kind === 'find'
      ? trans.__('Find a node')
      : request.kind === 'connect'
        ? trans.__('Connect "%1" to…', request.node)
        : request.file
          ? trans.__('Read %1 with…', request.file)
          : request.from
            ? trans.__('What fits here')
            : trans.__('Add a node');
  const empty =
    request.kind === 'find'
      ? trans.__('No node has these words.')
      : request.kind === 'connect'
        ? trans.__('Nothing fits that is not connected already.')
        : trans.__('No component has these words.');
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
  onShow: (node: string) => void
): IChoice[] {
  const { model, trans, chooseFile } = useCanvas();
  const nodes = [...model.graph.nodes.values()];
  const components = [...model.components.values()];
  if (request.kind === 'find') {
    return nodes.map(node => ({
      key: node.id,
      label: node.title,
      detail: node.component?.title ?? '',
      words: node.stage.commands.join(' '),
      icon: KIND_ICONS[node.kind],
      choose: () => onShow(node.id)
    }));
  }
  if (request.kind === 'connect') {
    const { node, place } = request;
    return [
      ...linkChoices(node, null),
      ...(model.graph.nodes.get(node)?.outputs ?? []).flatMap(port =>
        newChoices({ side: 'source', node, port: port.name }, place)
      )
    ];
  }
  const { from, file, place } = request;
  if (file !== undefined) {
    return readingComponents(components, file).map(({ component, port }) => ({
      key: component.name,
      label: component.title,
      detail: component.category,
      words: `${component.name} ${component.description}`,
      icon: componentIcon,
      choose: () =>
        void model.addComponent(component.name, place, { port, file })
    }));
  }
  if (from) {
    return [...newChoices(from, place), ...linkChoices(from.node, from)];
  }
  return [
    ...components
      .filter(one => !one.error)
      .map((one): IChoice => ({
        key: one.name,
        label: one.title,
        detail: one.category,
        words: `${one.name} ${one.description}`,
        icon: componentIcon,
        choose: () => void model.addComponent(one.name, place)
      })),
    {
      key: ':notebook',
      label: trans.__('Notebook…'),
      detail: trans.__('Runs a notebook'),
      icon: notebookIcon,
      choose: () =>
        void chooseFile(/\.ipynb$/i).then(
          path => path && model.addFile(path, place)
        )
    },
    {
      key: ':script',
      label: trans.__('Script…'),
      detail: trans.__('Runs a Python, R, Julia or shell script'),
      icon: fileIcon,
      choose: () =>
        void chooseFile(/\.(py|r|jl|js|sh)$/i).then(
          path => path && model.addFile(path, place)
        )
    },
    {
      key: ':shell',
      label: trans.__('Shell command'),
      detail: trans.__('Runs what you write'),
      icon: terminalIcon,
      choose: () => void model.addShell(place)
    },
    {
      key: ':note',
      label: trans.__('Note'),
      detail: trans.__('Words on the canvas'),
      icon: noteIcon,
      choose: () => model.addNote(trans.__('A note'), place)
    }
  ];

  function newChoices(end: IEnd, at: IPlace): IChoice[] {
    return fittingComponents(model.graph, components, end).map(
      ({ component, port }) => ({
        key: `${end.port}>${component.name}`,
        label: component.title,
        detail:
          end.side === 'source'
            ? `${portText(end.port, trans)} → ${port}`
            : `${port} → ${portText(end.port, trans)}`,
        words: `${component.name} ${component.description} ${component.category}`,
        icon: componentIcon,
        choose: () =>
          void model.addComponent(component.name, at, {
            port,
            side: end.side,
            node: end.node,
            nodePort: end.port
          })
      })
    );
  }

  function linkChoices(node: string, end: IEnd | null): IChoice[] {
    const links = possibleLinks(model.graph, node, end);
    // Ports of the same name are most likely meant.
    links.sort(
      (one, other) => Number(isNamesake(other)) - Number(isNamesake(one))
    );
    return links.map(link => {
      const isOut = link.source === node;
      const other = model.graph.nodes.get(isOut ? link.target : link.source)!;
      const from = portText(link.sourcePort, trans);
      const to = portText(link.targetPort, trans);
      return {
        key: `${link.source}:${link.sourcePort}>${link.target}:${link.targetPort}`,
        label: other.title,
        detail: isOut ? `${from} → ${to}` : `${to} ← ${from}`,
        icon: KIND_ICONS[other.kind],
        choose: () =>
          model.connect(
            link.source,
            link.sourcePort,
            link.target,
            link.targetPort
          )
      };
    });
  }
}

function isNamesake({ sourcePort, targetPort }: ILink): boolean {
  return sourcePort === targetPort;
}
