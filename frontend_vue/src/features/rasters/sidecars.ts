/** Of files that say something about the raster beside them. */
export const SIDECARS = (
  '.tfw .tifw .wld .pgw .pngw .jgw .jpgw .j2w ' + // world files
  '.prj .hdr .aux.xml .ovr .msk'
).split(' ')

/**
 * Puts a raster and the files that belong to it into one ZIP archive, which the server takes as one
 * upload. All others stay as they are, sidecars without a raster too.
 */
export async function bundleSidecars(files: File[]): Promise<File[]> {
  const sidecars = files.filter(({ name }) => SIDECARS.some((end) => lower(name).endsWith(end)))
  if (!sidecars.length) return files
  const rasters = files.filter((file) => !sidecars.includes(file))
  const used = new Set<File>()
  const bundled = await Promise.all(
    rasters.map(async (raster) => {
      const mine = sidecars.filter((file) => belongs(file, raster))
      if (!mine.length) return raster
      for (const file of mine) used.add(file)
      return pack(raster, mine)
    }),
  )
  return [...bundled, ...sidecars.filter((file) => !used.has(file))]
}

async function pack(raster: File, sidecars: File[]) {
  const { downloadZip } = await import('client-zip')
  const content = await downloadZip([raster, ...sidecars]).blob()
  return new File([content], `${stem(raster.name)}.zip`, { lastModified: raster.lastModified })
}

const lower = (name: string) => name.toLowerCase()
const stem = (name: string) => name.replace(/\.[^.]*$/, '')

/** As `dem.tfw`, `dem.tif.aux.xml` or `dem.aux.xml` does to `dem.tif`. */
function belongs({ name }: File, raster: File) {
  const ending = SIDECARS.find((end) => lower(name).endsWith(end))!
  const base = lower(name).slice(0, -ending.length)
  return base === lower(raster.name) || base === lower(stem(raster.name))
}
