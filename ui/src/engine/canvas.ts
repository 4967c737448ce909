// A canvas sized in device pixels, drawn in CSS pixels.

/** Fits `canvas` to its CSS size; returns the context, scaled so that 1 unit is 1 CSS pixel. */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number, ratio: number): CanvasRenderingContext2D | null {
  const [pixelsX, pixelsY] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== pixelsX) canvas.width = pixelsX;
  if (canvas.height !== pixelsY) canvas.height = pixelsY;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Fills a rectangle with a colour and, over it, the texture of its cycle. */
export function fillTextured(
  context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, colour: string, texture: "plain" | "hatched" | "dotted",
  background: string,
): void {
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
  if (texture === "plain" || width < 4) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = context.fillStyle = background;
  context.globalAlpha = 0.55;
  context.lineWidth = 1;
  const step = texture === "hatched" ? 6 : 5;
  // Bounded by the screen's width, not by the bar's.
  for (let at = Math.floor(x / step) * step - height; at < x + width; at += step) {
    if (texture === "hatched") {
      context.beginPath();
      context.moveTo(at, y + height);
      context.lineTo(at + height, y);
      context.stroke();
    } else context.fillRect(at, y + height / 2 - 1, 2, 2);
  }
  context.restore();
}
