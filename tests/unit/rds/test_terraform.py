from __future__ import annotations

from livemove.rds.terraform import Resource, import_blocks, resource_of
from tests.unit.rds.samples import CALLS


def test_what_a_migration_made_is_imported() -> None:
    names = ("create_aurora_replica", "create_cluster_instance", "restore_instance", "create_parameter_group")
    assert import_blocks(resource_of(CALLS[name]) for name in names) == (
        'import {\n  to = aws_db_instance.shop_fallback\n  id = "shop-fallback"\n}\n\n'
        'import {\n  to = aws_rds_cluster.shop_aurora\n  id = "shop-aurora"\n}\n\n'
        'import {\n  to = aws_rds_cluster_instance.shop_aurora_1\n  id = "shop-aurora-1"\n}\n\n'
        'import {\n  to = aws_rds_cluster_parameter_group.shop_cdc\n  id = "shop-cdc"\n}\n'
    )


def test_a_resource_stands_once() -> None:
    assert import_blocks([Resource("aws_rds_cluster", "a"), Resource("aws_rds_cluster", "a")]).count("import") == 1


def test_names_and_texts_are_valid_terraform() -> None:
    assert Resource("aws_db_snapshot", "1-a:b").address == "aws_db_snapshot._1_a_b"
    assert 'id = "a\\"$${b}%%{c}"' in import_blocks([Resource("aws_db_snapshot", 'a"${b}%{c}')])


def test_nothing_made_is_nothing_to_import() -> None:
    assert import_blocks([]) == ""
