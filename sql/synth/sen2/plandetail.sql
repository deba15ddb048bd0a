-- Grain: the placement named in a plan.
SELECT
    row_number() OVER (ORDER BY namedplan._row) AS _row, namedplan._person, namedplan._number,
    export_key(namedplan._number, 'plandetail') AS plandetailtableid, namedplan."NativeId", '1' AS plandetailorderseqcolumn,
    namedplan.sourceid, namedplan.requeststableid, namedplan.namedplantableid, place.urn, place.ukprn, place.sensetting, NULL::VARCHAR AS sensettingother,
    blade_int(1) AS placementrank, blade_bool(place.is_unit) AS senunitindicator,
    blade_bool(place.is_resourced) AS resourcedprovisionindicator
FROM namedplan JOIN place ON place.number = namedplan._number
