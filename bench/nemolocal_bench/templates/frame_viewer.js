// The frame viewer of a report: two pictures of a moment with slider, flip, difference, zoom and
// pan, and a plot on which a click selects the moment.

/** @typedef {{ name: string, points: [number, number][] }} Series */
/** @typedef {{ last: number, left: number, right: number, fps: number, series: Series[] }} Plot */
/** @typedef {"slider" | "flip" | "difference"} Mode */

const ZOOM_STEP = 1.5;
const LARGEST_ZOOM = 16;
const PAN_STEP = 40;
const DIVIDER_REACH = 16;

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new (...args: any[]) => T} kind
 * @returns {T}
 */
function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`${selector} is missing`);
  return found;
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

class FrameViewer {
  /** @param {Element} article */
  constructor(article) {
    const section = find(article, ".frames", HTMLElement);
    this.section = section;
    this.stage = find(section, ".stage", HTMLElement);
    this.layers = find(section, ".layers", HTMLElement);
    this.left = find(section, "img.left", HTMLImageElement);
    this.right = find(section, "img.right", HTMLImageElement);
    this.divider = find(section, ".divider", HTMLElement);
    this.slider = find(section, ".slider", HTMLInputElement);
    this.chooseLeft = find(section, ".choose-left", HTMLSelectElement);
    this.chooseRight = find(section, ".choose-right", HTMLSelectElement);
    this.readout = find(section, ".readout", HTMLElement);
    this.zoomText = find(section, ".zoom", HTMLOutputElement);
    this.plot = find(article, ".frame-plot", SVGSVGElement);
    this.cursor = find(this.plot, ".cursor", SVGLineElement);
    this.data = /** @type {Plot} */ (JSON.parse(find(section, ".series", HTMLElement).textContent ?? ""));
    this.buttons = [...section.querySelectorAll("button[data-moment]")];
    this.frames = this.buttons.map((button) => Number(/frame (\d+)/.exec(button.textContent ?? "")?.[1]));
    this.moment = 0;
    /** @type {Mode} */
    this.mode = "slider";
    this.flipped = false;
    // Page pixels per picture pixel, and the position of the picture's corner.
    this.scale = 1;
    this.width = 1;
    this.height = 1;
    this.x = 0;
    this.y = 0;
    find(section, ".viewer", HTMLElement).hidden = false;
    this.plot.classList.add("live");
    this.listen();
    this.pick(0);
    this.fit();
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  listen() {
    this.section.addEventListener("click", (event) => this.onClick(event));
    for (const choice of [this.chooseLeft, this.chooseRight]) choice.addEventListener("change", () => this.show());
    this.slider.addEventListener("input", () => this.setMode("slider"));
    this.stage.addEventListener("pointerdown", (event) => this.drag(event));
    this.plot.addEventListener("click", (event) => this.pickAt(event));
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    const { moment, mode, zoom } = button.dataset;
    if (moment !== undefined) this.pick(Number(moment));
    else if (mode === "flip" && this.mode === "flip") this.flip();
    else if (mode) this.setMode(/** @type {Mode} */ (mode));
    else if (zoom) this.zoom(zoom);
  }

  /** Handle a key; whether it was one of the viewer's. @param {string} key */
  onKey(key) {
    if (key === " ") this.flip();
    else if (key === "d") this.setMode("difference");
    else if (key === "s") this.setMode("slider");
    else if (key === "n") this.pick((this.moment + 1) % this.buttons.length);
    else if (key === "p") this.pick((this.moment + this.buttons.length - 1) % this.buttons.length);
    else if (key === "+" || key === "=") this.zoom("in");
    else if (key === "-") this.zoom("out");
    else if (key === "0") this.zoom("fit");
    else if (key === "1") this.zoom("native");
    else if (key === "ArrowLeft") this.move(PAN_STEP, 0);
    else if (key === "ArrowRight") this.move(-PAN_STEP, 0);
    else if (key === "ArrowUp") this.move(0, PAN_STEP);
    else if (key === "ArrowDown") this.move(0, -PAN_STEP);
    else return false;
    return true;
  }

  /** @param {number} number */
  pick(number) {
    this.moment = number;
    const marks = this.plot.querySelectorAll("text[data-moment]");
    for (const [place, button] of this.buttons.entries()) {
      button.setAttribute("aria-pressed", String(place === number));
      marks[place]?.classList.toggle("current", place === number);
    }
    this.show();
  }

  /** Pick the moment nearest to a click in the plot. @param {MouseEvent} event */
  pickAt(event) {
    const matrix = this.plot.getScreenCTM();
    if (!matrix) return;
    const { x } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const { left, right, last } = this.data;
    const frame = clamp(((x - left) / (right - left)) * last, 0, last);
    const away = this.frames.map((each) => Math.abs(each - frame));
    this.pick(away.indexOf(Math.min(...away)));
  }

  show() {
    const size = this.picture(this.left, this.chooseLeft.value);
    this.picture(this.right, this.chooseRight.value);
    if (size.width !== this.width || size.height !== this.height) {
      this.width = size.width;
      this.height = size.height;
      this.resize();
      this.fit();
    }
    const frame = this.frames[this.moment] ?? 0;
    const x = this.data.left + (frame / Math.max(this.data.last, 1)) * (this.data.right - this.data.left);
    this.cursor.setAttribute("x1", String(x));
    this.cursor.setAttribute("x2", String(x));
    this.readout.textContent = `Frame ${frame}, ${(frame / this.data.fps).toFixed(2)} s. VMAF: ${this.scores(frame)}`;
    this.draw();
  }

  /** Show a picture of the moment, and return its size. @param {HTMLImageElement} image @param {string} name */
  picture(image, name) {
    const all = [...this.section.querySelectorAll(".pictures img")];
    const source = all.find(
      (each) => each instanceof HTMLImageElement && each.dataset.moment === String(this.moment) && each.dataset.name === name,
    );
    if (!(source instanceof HTMLImageElement)) throw new Error(`${name} has no picture`);
    if (image.src !== source.src) image.src = source.src;
    image.alt = `${name}, frame ${this.frames[this.moment]}`;
    return { width: Number(source.getAttribute("width")), height: Number(source.getAttribute("height")) };
  }

  /** The VMAF of each encode at the measured frame nearest to this one. @param {number} frame */
  scores(frame) {
    return this.data.series
      .map(({ name, points }) => {
        let best = points[0];
        for (const point of points) if (best && Math.abs(point[0] - frame) < Math.abs(best[0] - frame)) best = point;
        return best ? `${name} ${best[1].toFixed(1)}${best[0] === frame ? "" : ` (frame ${best[0]})`}` : "";
      })
      .filter(Boolean)
      .join("; ");
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    this.flipped = mode === "flip";
    this.draw();
  }

  flip() {
    if (this.mode === "flip") this.flipped = !this.flipped;
    else this.setMode("flip");
    this.draw();
  }

  /** Zoom around the middle of the stage. @param {string} how */
  zoom(how) {
    if (how === "fit") return this.fit();
    const native = 1 / window.devicePixelRatio;
    const wanted = how === "native" ? native : this.scale * (how === "in" ? ZOOM_STEP : 1 / ZOOM_STEP);
    const scale = clamp(wanted, Math.min(this.fitting(), native), LARGEST_ZOOM * native);
    const [middleX, middleY] = [this.stage.clientWidth / 2, this.stage.clientHeight / 2];
    this.x = middleX - ((middleX - this.x) * scale) / this.scale;
    this.y = middleY - ((middleY - this.y) * scale) / this.scale;
    this.scale = scale;
    this.draw();
  }

  fitting() {
    return Math.min(this.stage.clientWidth / this.width, this.stage.clientHeight / this.height);
  }

  fit() {
    this.scale = this.fitting();
    this.x = this.y = 0;
    this.draw();
  }

  /** @param {number} right @param {number} down */
  move(right, down) {
    this.x += right;
    this.y += down;
    this.draw();
  }

  resize() {
    const wide = this.stage.clientWidth;
    const shape = this.height / this.width;
    const fitted = Math.abs(this.scale - this.fitting()) < 1e-6;
    this.stage.style.height = `${Math.max(Math.min(wide * shape, window.innerHeight * 0.75), 120)}px`;
    if (fitted) this.fit();
    else this.draw();
  }

  draw() {
    const [wide, high] = [this.stage.clientWidth, this.stage.clientHeight];
    const [width, height] = [this.width * this.scale, this.height * this.scale];
    // A picture smaller than the stage is centered; a larger one always covers it.
    this.x = width <= wide ? (wide - width) / 2 : clamp(this.x, wide - width, 0);
    this.y = height <= high ? (high - height) / 2 : clamp(this.y, high - height, 0);
    const { style } = this.layers;
    style.width = `${this.width}px`;
    style.height = `${this.height}px`;
    style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.layers.classList.toggle("pixels", this.scale * window.devicePixelRatio > 1.01);
    const at = (wide * Number(this.slider.value)) / 100;
    const slides = this.mode === "slider";
    const cut = clamp((at - this.x) / this.scale, 0, this.width);
    this.right.style.clipPath = slides ? `inset(0 0 0 ${cut}px)` : "none";
    this.right.style.visibility = this.mode === "flip" && !this.flipped ? "hidden" : "visible";
    this.divider.hidden = !slides;
    this.divider.style.left = `${at}px`;
    this.stage.classList.toggle("difference", this.mode === "difference");
    this.zoomText.textContent = `${Math.round(this.scale * window.devicePixelRatio * 100)} %`;
    this.label();
  }

  label() {
    const [left, right] = [this.chooseLeft.value, this.chooseRight.value];
    const texts = { slider: [left, right], difference: [`${left} − ${right}`, ""], flip: [this.flipped ? right : left, ""] };
    const [first, second] = texts[this.mode];
    find(this.stage, ".on-left", HTMLElement).textContent = first ?? "";
    const other = find(this.stage, ".on-right", HTMLElement);
    other.textContent = second ?? "";
    other.hidden = !second;
    for (const button of this.section.querySelectorAll("button[data-mode]")) {
      button.setAttribute("aria-pressed", String(button instanceof HTMLElement && button.dataset.mode === this.mode));
    }
  }

  /** Drag the divider if it is near, else the pictures. @param {PointerEvent} event */
  drag(event) {
    const box = this.stage.getBoundingClientRect();
    const at = (box.width * Number(this.slider.value)) / 100;
    const divides = this.mode === "slider" && Math.abs(event.clientX - box.left - at) < DIVIDER_REACH;
    let [lastX, lastY] = [event.clientX, event.clientY];
    this.stage.setPointerCapture(event.pointerId);
    /** @param {PointerEvent} moved */
    const onMove = (moved) => {
      if (divides) {
        this.slider.value = String(clamp(((moved.clientX - box.left) / box.width) * 100, 0, 100));
        this.draw();
      } else this.move(moved.clientX - lastX, moved.clientY - lastY);
      [lastX, lastY] = [moved.clientX, moved.clientY];
    };
    const onEnd = () => {
      this.stage.removeEventListener("pointermove", onMove);
      for (const name of ["pointerup", "pointercancel"]) this.stage.removeEventListener(name, onEnd);
    };
    this.stage.addEventListener("pointermove", onMove);
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, onEnd);
  }
}

const viewers = [...document.querySelectorAll("article")]
  .filter((article) => article.querySelector(".frames"))
  .map((article) => new FrameViewer(article));

/** The viewer that has the focus, else the one in view. */
function currentViewer() {
  const focused = viewers.find((viewer) => viewer.section.contains(document.activeElement));
  const inView = viewers.find((viewer) => {
    const box = viewer.stage.getBoundingClientRect();
    return box.bottom > 0 && box.top < window.innerHeight;
  });
  return focused ?? inView;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
  // Buttons, lists and sliders keep their own keys; the arrows scroll the page unless the stage has the focus.
  if (event.target.closest("select, input, summary")) return;
  if (event.key === " " && event.target.closest("button")) return;
  if (event.key.startsWith("Arrow") && !event.target.closest(".stage")) return;
  if (currentViewer()?.onKey(event.key)) event.preventDefault();
});
