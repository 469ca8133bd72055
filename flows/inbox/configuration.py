"""What is the same for all files of an inbox. An error in it is no fault of a file, so it fails the look."""

from flows.config.request import InboxRequest
from flows.import_runs.context import ImportList
from flows.import_runs.tasks import check_request
from flows.pipeline.steps import catalogue_for
from schemas.catalogue import FieldCatalogue
from schemas.errors.request import UnknownField
from schemas.presets.loader import load_own_presets
from schemas.presets.model import AUTO
from transforms.mapping.columns import read_mapping
from transforms.mapping.preset_fit import find_preset
from warehouse.database.migrations import migrate


def check_configuration(imports: ImportList, request: InboxRequest) -> None:
    """Check the catalogue and what the request names, with the errors that an import of any file would have."""
    catalogue = catalogue_for(request, imports.settings)
    migrate(imports.warehouse, catalogue, contacts=False)
    check_request(request, catalogue, imports.warehouse)
    _check_mapping(request, catalogue)
    own = imports.settings.presets
    if request.preset == AUTO:
        tuple(load_own_presets(own))
    elif request.preset:
        find_preset(request.preset, own, (), "")


def _check_mapping(request: InboxRequest, catalogue: FieldCatalogue) -> None:
    """Check the fields. The columns are those of a file."""
    from_file = read_mapping(request.mapping_file) if request.mapping_file else ()
    for _, field in (*from_file, *request.mapping.items()):
        if field and field not in catalogue.by_id:
            raise UnknownField(field, catalogue.ids)
