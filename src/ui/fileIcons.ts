import { codeIcon, LabIcon, notebookIcon } from '@jupyterlab/ui-components';

import compareSvg from '../../style/icons/compare.svg';
import componentSvg from '../../style/icons/component.svg';
import dataSvg from '../../style/icons/data.svg';
import mlwsSvg from '../../style/icons/mlws.svg';
import type { ChangeKind } from '../api/models';

/** Icon of this extension. */
export function icon(name: string, svgstr: string): LabIcon {
  return new LabIcon({ name: `jupyter-mlws:${name}`, svgstr });
}

export const mlwsIcon = icon('mlws', mlwsSvg);
export const dataIcon = icon('data', dataSvg);
export const componentIcon = icon('component', componentSvg);
export const compareIcon = icon('compare', compareSvg);

export const kindIcons: Record<ChangeKind, LabIcon> = {
  code: codeIcon,
  notebook: notebookIcon,
  data: dataIcon
};
