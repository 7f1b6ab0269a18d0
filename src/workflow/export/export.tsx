import { Clipboard, Dialog, showDialog } from '@jupyterlab/apputils';

import { download } from '../../ui/download';
import { trans } from '../../ui/locale';
import { quoteWord } from '../document/command';
import { graphSvg } from '../graph/svg';
import type { CanvasModel } from '../store/model';
import { nodeText, portText } from '../labels';

/** Colors of states on a white background. */
const COLORS: Record<string, string> = {
  RUNNING: '#1976d2',
  QUEUED: '#0097a7',
  COMPLETED: '#388e3c',
  CACHED: '#388e3c',
  FAILED: '#d32f2f',
  SKIPPED: '#f57c00',
  CANCELLED: '#f57c00',
  INTERRUPTED: '#f57c00'
};
/** Resolution of a PNG, in pixels per unit of the canvas. */
const SCALE = 2;
/** Browsers draw no larger picture. */
const MAX_PIXELS = 16_000;

/** Shows the commands that run the workflow in a terminal, to be copied. */
export async function copyCommandLine(model: CanvasModel): Promise<void> {
  const path = quoteWord(model.document.workflow.path);
  const command = `jupyter mlws run ${path}`;
  const answer = await showDialog({
    title: trans.__('Command to Run This Workflow'),
    body: (
      <>
        <p>{trans.__('In a terminal, in the project folder:')}</p>
        <pre className="jp-mlws-CommandLine">{command}</pre>
        <p>{trans.__('With plain DVC:')}</p>
        <pre className="jp-mlws-CommandLine">{`dvc repro ${path}`}</pre>
      </>
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Close') }),
      Dialog.okButton({ label: trans.__('Copy') })
    ]
  });
  if (answer.button.accept) {
    Clipboard.copyToSystem(command);
  }
}

/** Downloads the workflow as a Python script. */
export async function saveScript(model: CanvasModel): Promise<void> {
  await model.server.ask(
    service => service.script(),
    ({ text, name }) =>
      download(new Blob([text], { type: 'text/x-python' }), name)
  );
}

/** Downloads the drawing, as it is on the canvas. */
export async function saveImage(
  model: CanvasModel,
  kind: 'svg' | 'png'
): Promise<void> {
  const svg = graphSvg({
    graph: model.drawing.drawn,
    places: model.drawing.positions,
    routes: model.drawing.routes,
    notes: model.drawing.notes,
    frames: model.drawing.frames.filter(frame => !frame.isCollapsed),
    colour: node =>
      COLORS[model.runs.current.nodes.get(node)?.status ?? ''] ?? '#9e9e9e',
    subtitle: node => nodeText(node),
    portName: name => portText(name)
  });
  const name = `${fileName(model)}.${kind}`;
  const file = new Blob([svg], { type: 'image/svg+xml' });
  download(kind === 'svg' ? file : await asPng(file), name);
}

/** Named after the workflow's folder, or its title if it is in none. */
function fileName({ document }: CanvasModel): string {
  const { path, title } = document.workflow;
  const folder = path.split('/').slice(-2, -1)[0];
  return folder ?? (title.replace(/[^\p{L}\p{N}_-]+/gu, '-') || 'workflow');
}

async function asPng(svg: Blob): Promise<Blob> {
  const url = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const side = Math.max(image.width, image.height);
    const scale = Math.min(SCALE, MAX_PIXELS / side);
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas
      .getContext('2d')!
      .drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob(
        blob =>
          blob
            ? resolve(blob)
            : reject(
                new Error(
                  trans.__(
                    'The graph is too large for PNG. Export as SVG instead.'
                  )
                )
              ),
        'image/png'
      )
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}
