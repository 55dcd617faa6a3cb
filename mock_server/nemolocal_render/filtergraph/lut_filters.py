"""Color lookup tables, from files that the job writes into its folder."""

from nemolocal_contract.effects import Lut

from ..lut_files import lut_file
from .graph_builder import GraphBuilder, Stream
from .preset_filters import without_alpha


def apply_lut(video: Stream, effect: Lut, graph: GraphBuilder, clear: bool) -> Stream:
    """Change the colors by a table; `clear` pictures keep their alpha channel."""
    name = "lut1d" if graph.plan.luts[effect.source].info.lut == "1d" else "lut3d"
    how = {} if name == "lut1d" else {"interp": "tetrahedral"}

    def change(color: Stream) -> Stream:
        looked_up = color.filter("format", "gbrp").filter(name, file=lut_file(effect), **how)
        return looked_up.filter("scale", out_color_matrix="bt709", out_range="tv")

    return without_alpha(video, change, clear)
