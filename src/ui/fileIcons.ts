import { codeIcon, LabIcon, notebookIcon } from '@jupyterlab/ui-components';

import compareSvg from '../../style/icons/compare.svg';
import componentSvg from '../../style/icons/component.svg';
import dataSvg from '../../style/icons/data.svg';
import mlwsSvg from '../../style/icons/mlws.svg';
import type { ChangeKind } from '../api/models';

export const mlwsIcon = new LabIcon({
  name: 'jupyter-mlws:mlws',
  svgstr: mlwsSvg
});
export const dataIcon = new LabIcon({
  name: 'jupyter-mlws:data',
  svgstr: dataSvg
});
export const componentIcon = new LabIcon({
  name: 'jupyter-mlws:component',
  svgstr: componentSvg
});
export const compareIcon = new LabIcon({
  name: 'jupyter-mlws:compare',
  svgstr: compareSvg
});

export const kindIcons: Record<ChangeKind, LabIcon> = {
  code: codeIcon,
  notebook: notebookIcon,
  data: dataIcon
};
