// An app that plays videos: by a plain element, or by hls.js. What it saw is told to the test.
const player = (() => {
  const RATE = 8; // the films are short, and shorter at this speed

  function element() {
    const video = document.createElement('video');
    Object.assign(video, { muted: true, seen: [] });
    video.addEventListener('timeupdate', () => video.seen.push(video.currentTime));
    document.body.append(video);
    return video;
  }

  // Resolves when `target` tells of `name`, and `holds` is true of it; rejects when the video breaks.
  function happens(video, name, holds = () => true, target = video) {
    return new Promise((resolve, reject) => {
      const look = told => { if (holds(told)) { target.removeEventListener(name, look); resolve(); } };
      target.addEventListener(name, look);
      video.addEventListener('error', () => reject(new Error(`video: ${video.error?.message}`)), { once: true });
      video.addEventListener('broken', told => reject(new Error(told.detail)), { once: true });
    });
  }

  const moves = video => { const from = video.currentTime; return happens(video, 'timeupdate', () => video.currentTime > from); };

  async function start(video) {
    const begun = moves(video);
    await video.play();
    video.playbackRate = RATE;
    await begun;
  }

  async function seek(video, time) {
    video.pause();
    const there = happens(video, 'seeked');
    video.currentTime = time;
    await there;
    if (Math.abs(video.currentTime - time) > 0.01) throw new Error(`at ${video.currentTime} instead of ${time}`);
    await start(video);
  }

  async function toTheEnd(video) {
    const end = happens(video, 'ended');
    await start(video);
    await end;
    return told(video);
  }

  // To the middle, back to the start, and on to the end.
  async function throughSeeks(video) {
    const middle = video.duration / 2;
    await start(video);
    await seek(video, middle);
    await seek(video, 0.5);
    await seek(video, middle);
    return toTheEnd(video);
  }

  function told(video) {
    return {
      seen: video.seen, duration: video.duration, currentTime: video.currentTime, ended: video.ended,
      frames: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount,
      height: video.videoHeight, problems: video.problems ?? [],
    };
  }

  async function plain(address, settings = {}) {
    const video = Object.assign(element(), settings);
    const ready = happens(video, 'loadedmetadata');
    video.src = address;
    await ready;
    return video;
  }

  // `headers` go with every request, as PeerTube's own player sends a password or a token; `level` is the only rendition.
  async function hls(address, { headers = {}, level = -1, ...settings } = {}) {
    const video = element();
    video.problems = [];
    const engine = video.engine = new Hls({
      startLevel: level,
      ...settings,
      xhrSetup: request => { for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value); },
    });
    engine.on(Hls.Events.MANIFEST_PARSED, () => { engine.loadLevel = level; });
    engine.on(Hls.Events.ERROR, (_, { type, fatal, details, response }) => {
      const text = `hls.js: ${details} ${response?.code ?? ''}`;
      if (fatal || type !== Hls.ErrorTypes.MEDIA_ERROR) video.problems.push(text); // a stall is the machine's, not ours
      if (fatal) video.dispatchEvent(new CustomEvent('broken', { detail: text }));
    });
    engine.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      video.newest = details.endSN;
      video.dispatchEvent(new Event('updated'));
    });
    const ready = happens(video, 'loadedmetadata');
    engine.loadSource(address);
    engine.attachMedia(video);
    await ready;
    return video;
  }

  // Each rendition in turn, from the least; gives the heights that were seen.
  async function renditions(video) {
    const engine = video.engine, heights = [];
    video.loop = true; // on a busy machine the film would be over before the next rendition is there
    await start(video);
    for (const level of engine.levels.keys()) {
      const shown = engine.levels[level].height;
      if (video.videoHeight !== shown) {
        const resized = happens(video, 'resize', () => video.videoHeight === shown);
        engine.currentLevel = level;
        await resized;
      } else engine.currentLevel = level;
      await moves(video);
      heights.push(video.videoHeight);
      video.currentTime = 0.5;
    }
    return heights;
  }

  // Follows a live until its playlist has two segments more, and what has come since is played.
  async function follow(video) {
    const first = video.newest, known = video.engine.latestLevelDetails?.edge ?? video.duration;
    const grown = happens(video, 'updated', () => video.newest >= first + 2);
    const beyond = happens(video, 'timeupdate', () => video.currentTime > known);
    await start(video);
    await Promise.all([grown, beyond]);
    return told(video);
  }

  function captions(address) {
    const video = Object.assign(element(), { crossOrigin: 'anonymous' });
    const track = Object.assign(document.createElement('track'), { kind: 'captions', srclang: 'en', src: address });
    return new Promise((resolve, reject) => {
      track.addEventListener('load', () => resolve([...track.track.cues].map(cue => cue.text)));
      track.addEventListener('error', () => reject(new Error('no captions')));
      video.append(track);
      track.track.mode = 'showing';
    });
  }

  async function image(address) {
    const shown = Object.assign(new Image(), { src: address });
    await shown.decode();
    return [shown.naturalWidth, shown.naturalHeight];
  }

  // A request as apps make it; null where the browser keeps the answer from the page.
  async function ask(address, options = {}) {
    let answer;
    try { answer = await fetch(address, options); } catch (error) { if (error instanceof TypeError) return null; throw error; }
    const text = await answer.text();
    return { status: answer.status, text, headers: Object.fromEntries(answer.headers) };
  }

  return { plain, hls, start, toTheEnd, throughSeeks, renditions, follow, told, captions, image, ask };
})();
