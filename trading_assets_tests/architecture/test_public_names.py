import trading_assets


def test_every_public_name_can_be_had():
    for name in trading_assets.__all__:
        assert getattr(trading_assets, name) is not None


def test_the_list_of_names_and_their_homes_agree():
    assert set(trading_assets.__all__) == set(trading_assets._HOMES)
