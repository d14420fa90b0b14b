/** What charts use of echarts. The build puts echarts itself into this module, so that nobody has to install it. */
export { LineChart, ScatterChart, TreemapChart } from 'echarts/charts';
export { GridComponent, MarkLineComponent } from 'echarts/components';
export { init, use } from 'echarts/core';
export { SVGRenderer } from 'echarts/renderers';
